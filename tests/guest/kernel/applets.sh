# SPDX-License-Identifier: Apache-2.0
# Commands of busybox whose output must be that of the same busybox on the host. Nothing here depends on the machine.
cd "$1" && exec 2>/dev/null || exit 1
echo "== text"
printf '%s\n' pear apple fig apple > list
sort list; sort -u list; uniq -c list | tr -s ' '; wc list | tr -s ' '
head -n 2 list; tail -n 1 list; cut -c 1-2 list; tr a-z A-Z < list; rev list; nl list; tac list
grep -n apple list; sed 's/a/A/g;2d' list; awk '{n[$1]++} END {for (k in n) print k, n[k]}' list | sort
paste list list; fold -w 3 list; comm -12 list list 2>/dev/null | head -n 1; seq 1 3; expr 6 '*' 7; factor 360
printf 'a b c\n' | xargs -n 1 echo item; echo 'one two' | tee copy; cat copy; yes | head -n 3; echo abc | od -An -tx1
echo "== sums"
md5sum list; sha1sum list; sha256sum list; cksum list; crc32 list 2>/dev/null; base64 list
echo "== files"
mkdir -p a/b/c; cp list a/b/c/; mv a/b/c/list a/x; ln -s x a/link; readlink a/link; cat a/link; rmdir a/b/c
find a | sort; stat -c '%F %s %h' a/x; chmod 640 a/x; stat -c %a a/x; touch -d @86400 a/x; stat -c %Y a/x; basename /p/q; dirname /p/q
test -L a/link && echo is a link; test -s a/x && echo has bytes; truncate -s 100 a/x; wc -c < a/x; dd if=/dev/zero bs=10 count=3 2>/dev/null | wc -c
cmp list copy; diff list copy; split -l 2 list part; ls -1; rm -r a part*; ls -1
echo "== archives"
mkdir t; seq 1 1000 > t/numbers; tar cf t.tar t; tar tf t.tar; gzip t.tar; gunzip t.tar.gz; rm -r t; tar xf t.tar; md5sum t/numbers
gzip -c t/numbers | zcat | tail -n 1; bzip2 -c t/numbers | bzcat | md5sum; find t | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null
echo "== shell"
i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i; f() { return 5; }; f; echo $?; (exit 3); echo $?
for w in x y; do case $w in x) echo ex ;; *) echo other ;; esac; done; false || echo or; true && echo and; ! false; echo $?
set -- 1 2 3; shift; echo $# "$*"; a=${none:-default}; echo $a ${#a} ${a%ault}; echo $((0x10 + 010)); cat <<END
here $a
END
sleep 0.01 & wait $!; echo waited $?; (echo sub; echo err >&2) 2>&1 | sort; trap 'echo trapped' USR1; kill -USR1 $$; echo after
mkfifo pipe; echo through >pipe & cat pipe; wait; sh -c 'kill -9 $$'; echo status $?; timeout 1 true; echo $?; env -i A=b env
nice -n 5 nice; printf '1+2*3\n' | bc 2>/dev/null || echo no bc; date -u -d @0; which sh >/dev/null && echo found; uname -m; nproc >/dev/null; id -u >/dev/null
