/** What two have and only one may. */
import type { VmObservation } from "@muster/model";
import { describe, expect, it } from "vitest";
import {
  aHost,
  aNetwork,
  aSpec,
  aVm,
  hostIdOf,
  seen,
  viewOf,
  WHEN,
  type Put,
} from "../testing/builders.ts";
import {
  addressClashes,
  macClashes,
  renderAddressClash,
  renderClash,
  type Sightings,
} from "./clashes.ts";

const MAC = "52:54:00:00:00:01";

const vm = (number: number, mac: string, addresses: readonly string[] = []): Put => [
  "vm",
  aVm(number, {
    spec: aSpec(`vm-${String(number)}`, {
      nics: [{ network: "blue", mac, ...(addresses.length === 0 ? {} : { addresses }) }],
    }),
  }),
];

const observing = (...all: readonly (readonly [number, ...VmObservation[]])[]): Sightings => ({
  hosts: () =>
    all.map(
      ([host, ...vms]) =>
        [hostIdOf(host), { vms: new Map(vms.map((each) => [each.id, each])) }] as const,
    ),
});

const wild = (number: number, change: Partial<VmObservation> = {}) =>
  seen(number, { managed: false, macs: [MAC], name: `wild-${String(number)}`, ...change });

describe("a MAC address", () => {
  it("that two VMs have is a clash, a wild one of them too, with its host", () => {
    const view = viewOf(["host", aHost(1)], vm(1, MAC), vm(2, MAC), vm(3, "52:54:00:00:00:03"));
    const clashes = macClashes(view, observing([1, wild(7)]));
    expect(clashes.map(renderClash)).toEqual([
      `${MAC} is the MAC of VM vm-1 and of VM vm-2 and of wild VM wild-7 on h1`,
    ]);
  });

  it("is no clash with a wild VM that is off, nor of one VM that two hosts have while it moves", () => {
    const view = viewOf(["host", aHost(1)], ["host", aHost(2)], vm(1, MAC));
    const moving = seen(1, { macs: [MAC] });
    const off = wild(7, { state: "stopped" });
    expect(macClashes(view, observing([1, moving, off], [2, moving]))).toEqual([]);
    expect(macClashes(viewOf(), observing([1, wild(7)], [2, wild(7)]))).toEqual([]);
    expect(macClashes(viewOf(), observing([1, wild(7)], [2, wild(8)]))).toHaveLength(1);
  });
});

describe("an address", () => {
  const blue: Put = ["network", aNetwork("blue")];
  const reserved = (name: string): Put => [
    "address",
    { network: "blue", address: "10.1.0.5", name, createdAt: WHEN },
  ];

  it("that two VMs have on one network is a clash, written one way or another", () => {
    const view = viewOf(
      blue,
      vm(1, MAC, ["2001:db8::5"]),
      vm(2, "52:54:00:00:00:02", ["2001:db8:0::5", "10.1.0.6"]),
    );
    expect(addressClashes(view).map(renderAddressClash)).toEqual([
      "2001:db8::5 on network blue is the address of VM vm-1 and of VM vm-2",
    ]);
  });

  it("that is kept for somebody else is a clash, and for the VM itself is none", () => {
    const of = (name: string) =>
      addressClashes(viewOf(blue, vm(1, MAC, ["10.1.0.5"]), reserved(name)));
    expect(of("vm-1")).toEqual([]);
    expect(of("printer").map(renderAddressClash)).toEqual([
      "10.1.0.5 on network blue is the address of VM vm-1 and of a reservation for printer",
    ]);
  });

  it("that a host has itself is a clash", () => {
    const interfaces: Put = [
      "interfaces",
      {
        createdAt: WHEN,
        spec: {
          host: "h1",
          bonds: [],
          interfaces: [
            {
              device: { kind: "nic", nic: { by: "name", name: "eth0" } },
              source: "static",
              addresses: ["10.1.0.5/24"],
              dns: [],
            },
          ],
        },
      },
    ];
    const view = viewOf(blue, vm(1, MAC, ["10.1.0.5"]), interfaces);
    expect(addressClashes(view).map(({ owners }) => owners)).toEqual([["VM vm-1", "host h1"]]);
  });
});
