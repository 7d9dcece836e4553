/** 1536 → "1.5 GiB". Whole numbers stay whole. */
export function describeMiB(mebibytes: number): string {
  const size = Math.abs(mebibytes);
  if (size >= 2 ** 20) return `${describeNumber(mebibytes / 2 ** 20)} TiB`;
  if (size >= 1024) return `${describeNumber(mebibytes / 1024)} GiB`;
  if (size >= 1 || size === 0) return `${describeNumber(mebibytes)} MiB`;
  return `${describeNumber(mebibytes * 1024)} KiB`;
}

/** At most three decimals, none when they are zero. */
export const describeNumber = (value: number): string => {
  const rounded = Math.round(value * 1000) / 1000;
  return String(Object.is(rounded, -0) ? 0 : rounded);
};
