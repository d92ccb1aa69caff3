#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the file system of the minimal kernel: a newc cpio archive of busybox with its applets, the files of sw/user/root
# and the given programs in /usr/bin. The same input gives the same bytes.
#   archive.sh OUT.cpio FOLDER PROGRAM...
set -euo pipefail
umask 022

out=$1 folder=$2
shift 2
busybox=$(command -v busybox) || {
    echo "archive: busybox is missing; expected that of Debian's package busybox-static" >&2
    exit 1
}
if readelf -lW "$busybox" | grep -q INTERP; then
    echo "archive: $busybox is not static; expected that of Debian's package busybox-static" >&2
    exit 1
fi
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage"/{bin,sbin,usr/bin,usr/sbin,etc,root,tmp,proc,sys,dev,var/run,mnt}
cp "$busybox" "$stage/bin/busybox"
"$busybox" --list-full | while read -r applet; do
    [ -e "$stage/$applet" ] || ln -s /bin/busybox "$stage/$applet"
done
cp -R "$folder"/. "$stage"
for program in "$@"; do
    cp "$program" "$stage/usr/bin/"
done
chmod -R u=rwX,go=rX "$stage"
chmod 1777 "$stage/tmp"
find "$stage" -exec touch -h -d @0 {} +
(cd "$stage" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible) >"$out"
