/** The ledger as the server told it last, asked again every minute while somebody looks. */

import { getCoverage } from "../api/client";
import { Polled } from "../api/polled.svelte";

export const DAYS = 30;

export const ledger = new Polled((signal) => getCoverage(DAYS, signal), 60_000);
