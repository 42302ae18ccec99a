#!/usr/bin/env bash
# boot: become a real systemd whose root is an overlay of this machine's, the
# upper half a tmpfs: what it writes ends with it.  It never runs on the
# machine's own root, where its first step would be to empty /tmp.  run.py
# calls it in new pid, mount, cgroup, network, uts and ipc namespaces.
#
# usage: boot.sh SCRATCH-DIRECTORY TARGET
#
# SCRATCH-DIRECTORY/files is copied over the new root before TARGET is started.
set -euo pipefail
files=$1/files mnt=$1/mnt target=$2
root=$mnt/root

mount --make-rprivate /
mkdir "$mnt"
mount -t tmpfs -o mode=755 tmpfs "$mnt"
mkdir "$mnt/upper" "$mnt/work" "$root"
mount -t overlay -o "lowerdir=/,upperdir=$mnt/upper,workdir=$mnt/work" \
	overlay "$root"
cp -a "$files/." "$root"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
for name in run tmp dev; do
	mount -t tmpfs tmpfs "$root/$name"
done
chmod 1777 "$root/tmp"
# Without a whole /dev, PrivateDevices= fails with 226/NAMESPACE.
for name in null zero full random urandom tty; do
	touch "$root/dev/$name"
	mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mkdir "$root/sys/fs/cgroup/systemd"
mount -t cgroup -o none,name=systemd,xattr cgroup "$root/sys/fs/cgroup/systemd"
ip link set lo up

cd "$root"
mkdir old
pivot_root . old
umount -l /old
rmdir /old
# Without it LoadCredential= yields an empty directory.
mount --make-rshared /
exec env -i container=unshare PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --system --unit="$target"
