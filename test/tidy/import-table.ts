/**
 * Who may import whom. Effects depend on decisions, decisions depend on words, words depend on nothing.
 * The first rule whose `from` matches a file's path decides; a file that no rule matches may not exist.
 * Tests, and files under `testing/`, may import what they like within their package and any package's front door.
 */

export interface ImportRule {
  /** Whose imports. */
  readonly from: RegExp;
  /** A target is a repository path for relative imports, otherwise the specifier as written. */
  readonly may: readonly RegExp[];
  /** Checked after `may`, with the reason for the exception. */
  readonly never?: readonly (readonly [RegExp, string])[];
  /** Targets that may only be imported for their types. */
  readonly typesOnly?: readonly RegExp[];
}

const own = (directory: string): RegExp => new RegExp(`^packages/${directory}/`);
const words = /^@muster\/model$/;
const door = /^@muster\/model\/wire$/;
const wireTypes = /^@muster\/proto\//;
const runtime = /^@muster\/runtime$/;
const contexts = /^@muster\/context$/;
const node = /^node:/;
const grpc = /^@grpc\/grpc-js$/;
const npm = (...names: readonly string[]): RegExp => new RegExp(`^(${names.join("|")})(/|$)`);

/** Decisions: no clock, no store, no network, no files. */
const pureNames =
  /^packages\/[^/]+\/src\/(.*\/)?(plan-[^/]*|liveness|advance|render|[^/]*-?planned[^/]*)\.ts$/;
const pureFolders = /^packages\/(agent\/src\/hypervisor\/domain-xml|cli\/src\/render)\//;

const noConcreteStore = [
  /^packages\/coordinator\/src\/store\/(sqlite|etcd)/,
  "use the store's port, not one implementation",
] as const;

export const importTable: readonly ImportRule[] = [
  {
    from: /^packages\/model\/src\/wire\//,
    may: [own("model/src"), /^@muster\/proto\/(types|images|dispatch|admin)$/],
    // dispatch and admin load grpc-js; types alone do not.
    typesOnly: [/^@muster\/proto\/(dispatch|admin)$/],
  },
  {
    from: own("model/src"),
    may: [own("model/src")],
    never: [[own("model/src/wire"), "words do not know their wire form"]],
  },
  {
    from: own("planner/src"),
    may: [own("planner/src"), words],
  },
  {
    from: own("context/src"),
    may: [own("context/src"), words],
  },
  {
    from: /^packages\/libvirt\/src\/(wire|xdr)\//,
    may: [/^packages\/libvirt\/src\/(wire|xdr|protocol)\//, /^packages\/libvirt\/src\/errors\.ts$/],
  },
  {
    from: own("libvirt"),
    may: [own("libvirt"), node],
  },
  {
    from: own("runtime/src/grpc"),
    // ErrorDetail travels in the trailers of every call.
    may: [own("runtime/src"), words, door, /^@muster\/proto\/types$/, node, grpc],
  },
  {
    from: own("runtime/src"),
    may: [
      own("runtime/src"),
      words,
      node,
      grpc,
      npm("pino", "prom-client", "yaml", "zod", "@peculiar/x509", "reflect-metadata"),
    ],
  },
  {
    from: pureNames,
    may: [words, /^@muster\/planner$/, /^packages\/[^/]+\/src\//],
    never: [
      [
        /^packages\/[^/]+\/src\/(store|api|session|sessions)\//,
        "a decision takes a snapshot as argument",
      ],
    ],
  },
  {
    from: pureFolders,
    may: [words, contexts, /^packages\/[^/]+\/src\//, npm("fast-xml-parser", "yaml"), wireTypes],
    typesOnly: [wireTypes],
  },
  {
    from: own("agent/src/hypervisor/libvirt"),
    may: [own("agent/src"), words, contexts, runtime, node, npm("node-libvirt", "fast-xml-parser")],
  },
  {
    from: /^packages\/agent\/src\/(session|enrolment)\//,
    may: [own("agent/src"), words, door, wireTypes, runtime, node, grpc, npm("@peculiar/x509")],
  },
  {
    from: own("agent/src/inventory"),
    may: [own("agent/src"), words, runtime, node, npm("systeminformation", "fast-xml-parser")],
  },
  {
    from: own("agent/src/metrics"),
    may: [own("agent/src"), words, runtime, node, npm("prom-client")],
  },
  {
    from: /^packages\/agent\/src\/daemon\/schedules\.ts$/,
    may: [own("agent/src"), words, runtime, npm("node-cron")],
  },
  {
    // Where the program is put together, and the only other place that speaks to the network.
    from: /^packages\/agent\/src\/daemon\//,
    may: [own("agent/src"), words, door, wireTypes, runtime, node],
  },
  {
    from: own("agent/src"),
    may: [own("agent/src"), words, contexts, runtime, node, npm("fast-xml-parser", "zod")],
  },
  {
    from: /^packages\/coordinator\/src\/(reconcilers|operations)\//,
    may: [own("coordinator/src"), words, /^@muster\/planner$/, runtime, node],
    never: [
      [own("coordinator/src/api"), "the api calls operations, not the other way round"],
      noConcreteStore,
    ],
  },
  {
    from: /^packages\/coordinator\/src\/api\//,
    may: [
      own("coordinator/src"),
      words,
      door,
      wireTypes,
      contexts,
      /^@muster\/planner$/,
      runtime,
      node,
      grpc,
    ],
    never: [
      [own("coordinator/src/reconcilers"), "write to the store; the reconciler is poked"],
      noConcreteStore,
    ],
  },
  {
    from: /^packages\/coordinator\/src\/((main|coordinator|index)\.ts$|(daemon|sessions)\/)/,
    may: [
      own("coordinator/src"),
      words,
      door,
      wireTypes,
      contexts,
      /^@muster\/planner$/,
      runtime,
      node,
      grpc,
      npm("zod"),
    ],
  },
  {
    from: own("coordinator/src/authority"),
    may: [
      own("coordinator/src"),
      words,
      wireTypes,
      runtime,
      node,
      grpc,
      npm("@peculiar/x509", "reflect-metadata"),
    ],
  },
  {
    // etcd is spoken to in gRPC, with types generated from its own API.
    from: own("coordinator/src/store/etcd"),
    may: [own("coordinator/src"), words, runtime, node, grpc, /^@muster\/proto\/etcd$/],
  },
  {
    from: own("coordinator/src/metrics"),
    may: [own("coordinator/src"), words, runtime, node, npm("prom-client")],
  },
  {
    from: own("coordinator/src"),
    may: [own("coordinator/src"), words, door, contexts, /^@muster\/planner$/, runtime, node],
    // A request as a person writes it, VmSpecDraft, is a word; turning it into one is the api's work.
    typesOnly: [door],
  },
  {
    from: own("cli/src"),
    may: [
      own("cli/src"),
      words,
      door,
      wireTypes,
      contexts,
      runtime,
      node,
      grpc,
      npm("commander", "yaml"),
    ],
  },
];
