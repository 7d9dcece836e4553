/** What Node cannot do is refused at once, by type and with what to do instead; nothing reaches the daemon. */
import { describe, expect, it } from "vitest";
import { connect, FileDescriptorError } from "../src/index.ts";
import { FakeServer } from "../src/testing/fake-server.ts";

const dom = { name: "one", uuid: "00000000-0000-0000-0000-000000000001", id: 1 };

describe("calls that pass file descriptors", () => {
  it("are refused before anything is sent", async () => {
    const server = new FakeServer().answer("domainLookupByName", () => ({ dom }));
    await using hypervisor = await connect({ dial: () => server.dial() });
    const domain = await hypervisor.domainLookupByName("one");
    const sent = server.received.length;
    const refused = [
      domain.openGraphics(),
      domain.openGraphicsFd(),
      domain.createWithFiles(),
      domain.fdAssociate(),
      domain.qemuMonitorCommandWithFiles(),
      hypervisor.domainCreateXmlWithFiles(),
    ];
    for (const call of refused) {
      const error = await call.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FileDescriptorError);
      expect((error as FileDescriptorError).message).toMatch(/^virDomain\w+ passes file desc.*; /);
    }
    expect(server.received).toHaveLength(sent);
  });
});
