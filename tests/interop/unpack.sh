#!/bin/sh
# Unpacks mail servers whose Debian packages exclude Postfix, for the tests alone, and makes the users
# that they change to: as root, into the folder that is named.
set -eu
folder=$1
mkdir -p "$folder"
cd "$folder"
apt-get download -q exim4-daemon-light opensmtpd
dpkg -x exim4-daemon-light_*.deb exim
dpkg -x opensmtpd_*.deb opensmtpd
rm -f ./*.deb
for user in Debian-exim opensmtpd opensmtpq; do
    id "$user" >/dev/null 2>&1 || useradd -r -U -M -d /nonexistent -s /usr/sbin/nologin "$user"
done
chgrp opensmtpq opensmtpd/usr/sbin/smtpctl
chmod 2755 opensmtpd/usr/sbin/smtpctl
