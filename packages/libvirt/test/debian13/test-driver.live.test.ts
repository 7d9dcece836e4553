/** The contract of the test driver, kept by the libvirt 11.3 of Debian 13 as well. */
import { debian13, testOn } from "../installation.ts";

testOn(debian13);
await import("../test-driver.live.test.ts");
