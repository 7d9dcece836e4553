/** The bytes are not what the schema says, or a value does not fit it. The connection turns it into a ProtocolError. */
export class XdrError extends Error {
  override readonly name = "XdrError";
}
