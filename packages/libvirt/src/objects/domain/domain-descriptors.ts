import { FileDescriptorError } from "../../errors.ts";
import { DomainSnapshots } from "./domain-snapshots.ts";

const CONNECT_TO_DISPLAY =
  "connect to the display's own socket or port, which the domain's XML names";

/** What Node cannot do, here so that whoever looks for it finds why and what to do instead. All of it rejects. */
export abstract class DomainDescriptors extends DomainSnapshots {
  /** virDomainOpenGraphics (0.9.7). Rejects with FileDescriptorError. */
  openGraphics(): Promise<never> {
    return refused("virDomainOpenGraphics", CONNECT_TO_DISPLAY);
  }

  /** virDomainOpenGraphicsFD (1.2.8). Rejects with FileDescriptorError. */
  openGraphicsFd(): Promise<never> {
    return refused("virDomainOpenGraphicsFD", CONNECT_TO_DISPLAY);
  }

  /** virDomainCreateWithFiles (1.1.1). Rejects with FileDescriptorError. */
  createWithFiles(): Promise<never> {
    return refused("virDomainCreateWithFiles", "only containers (LXC) take files: use create()");
  }

  /** virDomainFDAssociate (9.0.0). Rejects with FileDescriptorError. */
  fdAssociate(): Promise<never> {
    return refused("virDomainFDAssociate", "name the disk's file in the domain's XML");
  }

  /** virDomainQemuMonitorCommandWithFiles (8.2.0). Rejects with FileDescriptorError. */
  qemuMonitorCommandWithFiles(): Promise<never> {
    const instead = "use qemuMonitorCommand() with paths that QEMU can open";
    return refused("virDomainQemuMonitorCommandWithFiles", instead);
  }
}

const refused = (name: string, instead: string): Promise<never> =>
  Promise.reject(new FileDescriptorError(name, instead));
