/** A coordinator that stops does not wait for hosts. */
export async function untilStopped<Value>(
  work: Promise<Value>,
  stopping: AbortSignal,
): Promise<Value> {
  stopping.throwIfAborted();
  const listening = new AbortController();
  const stopped = new Promise<never>((_resolve, reject) => {
    const stop = (): void => {
      reject(stopping.reason as Error);
    };
    stopping.addEventListener("abort", stop, { once: true, signal: listening.signal });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    listening.abort();
  }
}
