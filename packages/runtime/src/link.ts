/**
 * One end of a conversation: messages in order, both ways, until somebody closes it. gRPC streams and the
 * simulated network both look like this to a session.
 */
export interface Link<Outgoing, Incoming> {
  /** Queues a message. After the link has closed it does nothing: the session hears of the end by `incoming`. */
  send(message: Outgoing): void;
  /** Ends when the other side closed properly; throws a MusterError when the link broke. Iterate once. */
  readonly incoming: AsyncIterable<Incoming>;
  /** Closes this end. `error` tells the other side why, where the transport can. */
  close(error?: Error): void;
}
