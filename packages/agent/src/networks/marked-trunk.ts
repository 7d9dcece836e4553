/** A trunk's ids as they stand in our marks: "10+20-29". Pure. */
import { renderVlans, type VlanRange } from "@muster/model";

export const renderMarkedTrunk = (ranges: readonly VlanRange[]): string =>
  renderVlans(ranges).replaceAll(",", "+");

/** Of a text that was spoilt, what can be read: a mark that differs is corrected. */
export const parseMarkedTrunk = (text: string): readonly VlanRange[] =>
  text.split("+").flatMap((part) => {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? [];
    return first === undefined ? [] : [{ first: Number(first), last: Number(last) }];
  });
