export { FakeConnection, FakeLibvirtError, FakeServer, type Answer } from "./fake-server.ts";
