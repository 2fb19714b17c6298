import { expect, test } from "vitest";

import type { RecordsWord, VolumeState } from "../src/api/types";
import { diskAlarm } from "../src/shell/alarm";

function volume(number: number, trouble = ""): VolumeState {
  return { number, free_bytes: 1, total_bytes: 2, trouble, kind: trouble === "" ? null : "failed" };
}

function site(records: RecordsWord, volumes: VolumeState[]) {
  return { recorder: { running: true, heartbeat_us: 1, started_us: 1, records }, volumes };
}

test("healthy disks raise no alarm", () => {
  expect(diskAlarm(site("all", [volume(1), volume(2)]))).toBeNull();
});

test("only volumes in trouble are named", () => {
  expect(diskAlarm(site("all", [volume(1), volume(2, "it is full")]))).toEqual({ records: "all", volumes: [volume(2, "it is full")] });
});

test("recording less is an alarm of its own", () => {
  expect(diskAlarm(site("key_frames", [volume(1)]))).toEqual({ records: "key_frames", volumes: [] });
});
