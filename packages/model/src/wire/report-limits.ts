/** Limits of what one host may report. Beyond them it is an error or an attack, and the report is refused. */

/** Domains of one host, wild ones too; far above what memory allows. */
export const HOST_VMS_MAX = 10_000;
/** VLAN ids end at 4094. */
export const HOST_NETWORKS_MAX = 4094;
export const RUNNING_COMMANDS_MAX = 10_000;
