/** Who may call what. Every call is judged anew, so that a removed host can do nothing from that moment on (S6). */
import { MusterError, type HostId } from "@muster/model";
import type { CallContext, Clock } from "@muster/runtime";
import type { Authority } from "../authority/authority.ts";
import { usedCertificate } from "../authority/certificate-records.ts";
import { identify, refusalError, type Identity } from "../authority/identify.ts";
import { put, type Ledger } from "../ledger/ledger.ts";

export class Gatekeeper {
  readonly #authority: Authority;
  readonly #ledger: Ledger;
  readonly #clock: Clock;

  constructor(parts: {
    readonly authority: Authority;
    readonly ledger: Ledger;
    readonly clock: Clock;
  }) {
    this.#authority = parts.authority;
    this.#ledger = parts.ledger;
    this.#clock = parts.clock;
  }

  /** The name of the person behind a call. The local socket belongs to whoever may open it. */
  operatorOf(context: CallContext): string {
    if (context.peer.kind === "local") return "local administrator";
    const identity = this.#identify(context, "use");
    if (identity.role === "operator") return identity.name;
    throw new MusterError(
      "forbidden",
      `a certificate of role ${identity.role} may not use the public API`,
      {
        hint: "make one for a person: muster-coordinator certificate NAME DIRECTORY",
      },
    );
  }

  hostOf(context: CallContext): HostId {
    return this.#host(context, "use").hostId;
  }

  /** A host that opens its session. Its certificate was used: the one before it no longer counts. */
  async admitHost(context: CallContext): Promise<HostId> {
    const { hostId, serial } = this.#host(context, "use");
    const host = this.#ledger.view.hosts.get(hostId);
    // Nearly always there is nothing to note, and then nobody waits for the ledger's turn.
    if (host !== undefined && usedCertificate(host, serial) !== host) {
      await this.#noteUse(hostId, serial);
    }
    return hostId;
  }

  /** A host, also one whose certificate has expired: for renewal only. */
  renewingHostOf(context: CallContext): { readonly hostId: HostId; readonly serial: string } {
    return this.#host(context, "renewal");
  }

  /** For the metrics listener: undefined lets the certificate in, a text says why not. */
  refuseScraper(der: Uint8Array): string | undefined {
    const found = this.#ask(der, "use");
    if (!found.ok) return found.message;
    return found.identity.role === "host" ? "a host's certificate may not read metrics" : undefined;
  }

  async #noteUse(hostId: HostId, serial: string): Promise<void> {
    await this.#ledger.transact((view) => {
      const host = view.hosts.get(hostId);
      const after = host === undefined ? undefined : usedCertificate(host, serial);
      const changes = after === undefined || after === host ? [] : [put("host", after)];
      return { changes, result: undefined };
    });
  }

  #host(context: CallContext, purpose: "use" | "renewal"): Extract<Identity, { role: "host" }> {
    const identity = this.#identify(context, purpose);
    if (identity.role === "host") return identity;
    throw new MusterError(
      "forbidden",
      `a certificate of role ${identity.role} may not speak for a host`,
    );
  }

  #identify(context: CallContext, purpose: "use" | "renewal"): Identity {
    if (context.peer.kind !== "certificate") {
      throw new MusterError(
        "unauthenticated",
        "this call needs a client certificate of this cluster",
        {
          hint: "on the coordinator's machine use its unix socket; elsewhere give --identity DIRECTORY",
        },
      );
    }
    const found = this.#ask(context.peer.der, purpose);
    if (!found.ok) throw refusalError(found);
    return found.identity;
  }

  #ask(der: Uint8Array, purpose: "use" | "renewal") {
    return identify({
      der,
      authority: this.#authority.x509,
      now: this.#clock.wall(),
      findHost: (id) => this.#ledger.view.hosts.get(id),
      purpose,
    });
  }
}
