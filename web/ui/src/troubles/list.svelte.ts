/** The list of troubles, asked again every few seconds while somebody looks. */

import { getTroubles } from "../api/client";
import { Polled } from "../api/polled.svelte";

export const DAYS = 30;

/** Of the last day, for the alarms of every page. */
export const lately = new Polled((signal) => getTroubles(1, signal), 5_000);

export const troubles = new Polled((signal) => getTroubles(DAYS, signal), 5_000);
