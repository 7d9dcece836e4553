import { describe, expect, it } from "vitest";
import { endpointOf, parseUri, UriError } from "./uri.ts";

const nothing = () => false;
const everything = () => true;
const dialOf = (uri: string, exists = nothing) => endpointOf(parseUri(uri), exists);

describe("URI", () => {
  it.each([
    ["qemu:///system", "qemu:///system"],
    ["qemu+unix:///system?socket=/x/sock", "qemu:///system"],
    ["qemu+tls://host.example/system?pkipath=/etc/pki&no_verify=1", "qemu:///system"],
    ["qemu+tcp://[::1]:1234/session?name=test:///default", "test:///default"],
    ["test:///path/to/file.xml", "test:///path/to/file.xml"],
    ["esx://host/?transport=http", "esx:///?transport=http"],
  ])("%s opens %s in the daemon", (uri, name) => {
    expect(parseUri(uri).name).toBe(name);
  });

  it.each([
    ["qemu+unix:///system?socket=/x/sock", { kind: "unix", path: "/x/sock" }],
    ["qemu+tcp://h/system", { kind: "tcp", host: "h", port: 16_509 }],
    ["qemu://h/system", { kind: "tls", host: "h", port: 16_514 }],
    ["qemu+tls://[::1]:99/system", { kind: "tls", host: "::1", port: 99 }],
    ["qemu:///system", { kind: "unix", path: "/run/libvirt/libvirt-sock" }],
    ["qemu:///system?mode=direct", { kind: "unix", path: "/run/libvirt/virtqemud-sock" }],
  ])("%s is dialled where it says", (uri, endpoint) => {
    expect(dialOf(uri)).toEqual(endpoint);
  });

  it.each([
    ["qemu:///system", "virtqemud"],
    ["network:///system", "virtnetworkd"],
    ["storage:///system", "virtstoraged"],
    ["secret:///system", "virtsecretd"],
    ["nodedev:///system", "virtnodedevd"],
    ["nwfilter:///system", "virtnwfilterd"],
    ["interface:///system", "virtinterfaced"],
  ])("%s goes to %s where that runs", (uri, daemon) => {
    expect(dialOf(uri, everything)).toEqual({ kind: "unix", path: `/run/libvirt/${daemon}-sock` });
    const legacy = { kind: "unix", path: "/run/libvirt/libvirt-sock" };
    expect(dialOf(`${uri}?mode=legacy`, everything)).toEqual(legacy);
  });

  it.each(["", "nonsense", "qemu+ssh://host/system", "qemu:///system?mode=other"])(
    "refuses %j",
    (uri) => {
      expect(() => parseUri(uri)).toThrow(UriError);
    },
  );
});
