/** Every operation type there is, in one place. */
import { MusterError } from "@muster/model";
import type { OperationType } from "./operation-type.ts";

export class OperationRegistry {
  readonly #types = new Map<string, OperationType<unknown>>();

  add<Parameters>(type: OperationType<Parameters>): this {
    // Parameters are stored with the operation and only ever handed to the type that made them.
    this.#types.set(type.name, type as OperationType<unknown>);
    return this;
  }

  get(name: string): OperationType<unknown> {
    const type = this.#types.get(name);
    if (type !== undefined) return type;
    throw new MusterError(
      "version-mismatch",
      `operations of type ${name} are unknown to this version`,
    );
  }

  names(): readonly string[] {
    return [...this.#types.keys()];
  }
}
