import type { HostSnapshot, HostStorage } from "./snapshot.ts";

/**
 * Whether two states of a host differ at most in what its reports change all the time: measured load, what wild VMs
 * take, free space on the same storages.
 */
export function differsOnlyInUse(one: HostSnapshot, other: HostSnapshot): boolean {
  const [a, b] = [lasting(one), lasting(other)];
  return (
    (one.measured === undefined) === (other.measured === undefined) &&
    sameStorages(one.storages ?? [], other.storages ?? []) &&
    isSame(a, b)
  );
}

function lasting(host: HostSnapshot): object {
  const { measured: _measured, foreign: _foreign, storages: _storages, ...rest } = host;
  return rest;
}

function sameStorages(ones: readonly HostStorage[], others: readonly HostStorage[]): boolean {
  return (
    ones.length === others.length &&
    ones.every(({ name, shared }, index) => {
      const other = others[index];
      return other?.name === name && other.shared === shared;
    })
  );
}

/** Plain data, compared part by part. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null)
    return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  const others = other as Record<string, unknown>;
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(other, key) && isSame((one as Record<string, unknown>)[key], others[key]),
  );
}
