/**
 * Node's own modules, taken without `import`: an import reads every name that a module exports, and some of them load
 * a good deal more of Node (node:fs its promises and watchers, node:net its block lists). That is two megabytes.
 */
export const { connect: connectSocket } = process.getBuiltinModule("node:net");
export const { Duplex } = process.getBuiltinModule("node:stream");
export const { existsSync, readFileSync } = process.getBuiltinModule("node:fs");
