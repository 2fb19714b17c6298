/** Tells the media time of every picture as it comes to the screen. */

export function watchPictures(video: HTMLVideoElement, shown: (mediaTime: number) => void): () => void {
  if (!("requestVideoFrameCallback" in video)) return watchTime(video, shown);
  let handle = 0;
  const next = (_now: number, facts: VideoFrameCallbackMetadata): void => {
    shown(facts.mediaTime);
    handle = video.requestVideoFrameCallback(next);
  };
  handle = video.requestVideoFrameCallback(next);
  return () => video.cancelVideoFrameCallback(handle);
}

/** For browsers without frame callbacks: the time of the element, right to a picture or two. */
function watchTime(video: HTMLVideoElement, shown: (mediaTime: number) => void): () => void {
  const tell = (): void => shown(video.currentTime);
  video.addEventListener("timeupdate", tell);
  video.addEventListener("seeked", tell);
  return () => {
    video.removeEventListener("timeupdate", tell);
    video.removeEventListener("seeked", tell);
  };
}
