/** What the disks make a person act on, if anything. */

import type { RecordsWord, Site, VolumeState } from "../api/types";

export interface DiskAlarm {
  records: RecordsWord;
  volumes: VolumeState[];
}

export function diskAlarm(site: Pick<Site, "recorder" | "volumes">): DiskAlarm | null {
  const volumes = site.volumes.filter((volume) => volume.trouble !== "");
  const { records } = site.recorder;
  return records === "all" && volumes.length === 0 ? null : { records, volumes };
}
