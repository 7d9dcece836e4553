/** A place with images that is read now and then. */
import type { ImageChannel } from "./image.ts";
import type { OperationId } from "./ids.ts";

export type RepositoryKind = "directory" | "http" | "s3";

export const repositoryKinds: readonly RepositoryKind[] = ["directory", "http", "s3"];

export interface RepositoryRecord {
  readonly name: string;
  readonly kind: RepositoryKind;
  /** file:///srv/images, https://images.example/ or s3://bucket/prefix; without a slash at its end. */
  readonly url: string;
  /** Below the URL. */
  readonly manifest: string;
  /** Patterns of image names with "*"; none: all. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** minute hour day month weekday; absent: only when asked. */
  readonly schedule?: string;
  /** Of images whose manifest says nothing else. */
  readonly channel: ImageChannel;
  readonly endorser: string;
  /** Of an S3 service. */
  readonly endpoint?: string;
  readonly region?: string;
  /** Access key, or key pair of CloudFront. */
  readonly accessKey?: string;
  /** Sealed like passwords of fence devices. */
  readonly sealedSecret?: string;
  readonly cloudfront?: true;
  readonly proxy?: string;
  /** The host that reads it; absent: any. */
  readonly host?: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly operationId?: OperationId;
  /** RFC 3339. */
  readonly syncedAt?: string;
  readonly findings?: readonly string[];
  /** Absent: the last sync worked. */
  readonly problem?: string;
}
