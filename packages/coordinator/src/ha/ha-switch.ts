/** Armed or not. Pure. */
import { haArmed, type HaSwitch } from "@muster/model";

export const haSwitchOf = (cluster: { readonly ha?: HaSwitch }): HaSwitch => cluster.ha ?? haArmed;
