/** S10: what is secret stands in no log, no file and no answer to anybody who did not ask for it. */
export class SecretWatch {
  readonly violations: string[] = [];
  readonly #secrets = new Set<string>();

  /** From now on nobody may see it. */
  keep(secret: string): void {
    this.#secrets.add(secret);
  }

  saw(where: string, text: string): void {
    for (const secret of this.#secrets) {
      if (!text.includes(secret)) continue;
      const at = text.indexOf(secret);
      const around = text.slice(Math.max(0, at - 60), at).replaceAll("\n", " ");
      this.violations.push(`S10: ${where} shows a secret, after "${around}"`);
    }
  }
}
