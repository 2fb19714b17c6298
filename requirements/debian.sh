#!/bin/sh
# Says in plain words which Debian packages are missing, and the line that installs them.
#
#   sh requirements/debian.sh setup   what nothing works without (make demo needs no more)
#   sh requirements/debian.sh test    what the whole of the tests uses beyond that
#   sh requirements/debian.sh bench   what the benchmarks use beyond that
#   sh requirements/debian.sh list    every package, for a machine that installs them all
#
# Ends with 1 if something is missing. A program that was not installed by Debian counts as well.

level=${1:-setup}
python=${PYTHON:-python3}
missing=""

# need LEVEL PACKAGE "WHAT IT IS FOR" PROBE...: the probe is a command that succeeds where the thing is there
need() {
    wanted=$1 package=$2 purpose=$3
    shift 3
    if [ "$level" = list ]; then
        echo "$package"
    elif [ "$level" = "$wanted" ] && ! "$@" >/dev/null 2>&1; then
        [ -n "$missing" ] || echo "Something from Debian is missing:" >&2
        echo "  $package: $purpose" >&2
        missing="$missing $package"
    fi
}

debian() { dpkg-query -W -f '${Status}' "$1" | grep -q 'ok installed'; }
python_is_new() { "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; }
python_has_venv() { "$python" -c 'import venv, ensurepip'; }
faketime_library() { ls /usr/lib/*/faketime/libfaketime.so.1; }
gst_rtsp_server() {
    /usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer'
}

need setup python3 "Python 3.11 or later runs everything" python_is_new
need setup python3-venv "makes the virtual environment .venv" python_has_venv
need setup git "the tests ask it which files belong to the project" command -v git
need test ffmpeg "a second opinion on the files we write: ffprobe and ffmpeg read them" command -v ffmpeg
need test faketime "gives the recorder wrong clocks" faketime_library
need test chromium "the tests of the web page drive it" command -v chromium
need test fonts-dejavu-core "letters for Chromium's screenshots" debian fonts-dejavu-core
need test fonts-noto-core "Vietnamese letters for Chromium's screenshots" debian fonts-noto-core
need test python3-gi "runs the RTSP server that nobody here wrote" gst_rtsp_server
need test gir1.2-gst-rtsp-server-1.0 "the RTSP server that nobody here wrote" gst_rtsp_server
need test gstreamer1.0-plugins-base "its parts" debian gstreamer1.0-plugins-base
need test gstreamer1.0-plugins-good "its RTP payloaders" debian gstreamer1.0-plugins-good
need test gstreamer1.0-plugins-bad "its H.265 parser" debian gstreamer1.0-plugins-bad
need test gstreamer1.0-plugins-ugly "its H.264 encoder" debian gstreamer1.0-plugins-ugly
need test glib-networking "its TLS, for rtsps" debian glib-networking
need test gcc "compiles a wall clock that a test can set, and the C program that a benchmark is measured against" command -v gcc
need test libc6-dev "what the compiler needs for that" debian libc6-dev
need bench nginx-light "the file server that reading is measured against" debian nginx-light

if [ -n "$missing" ]; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo "
    echo "Install it with:" >&2
    echo "  ${as_root}apt-get install$missing" >&2
    exit 1
fi
