# SPDX-License-Identifier: Apache-2.0
"""Certificates for the tests, made with the openssl command: authorities, and what they sign, good and bad."""
import datetime
import hashlib
import os
import ssl
import subprocess

CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = {use}
subjectAltName = {names}
"""


def openssl(*words):
    done = subprocess.run(["openssl", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError("openssl %s:\n%s" % (" ".join(words), done.stderr))


def utc(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%y%m%d%H%M%SZ")


class Pair:
    """The files of a certificate and its key."""

    def __init__(self, folder, name):
        self.certificate, self.key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")

    @property
    def der(self):
        with open(self.certificate, encoding="ascii") as file:
            text = file.read()
        return ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN"):])

    @property
    def sha256(self):
        return hashlib.sha256(self.der).hexdigest()


class Authority:
    def __init__(self, folder, name):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        self.count = 0
        self.pair = Pair(self.folder, "authority")
        for file, text in (("index", ""), ("serial", "1000\n")):
            with open(os.path.join(self.folder, file), "w", encoding="ascii") as out:
                out.write(text)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=" + name, "-days", "30",
                "-addext", "keyUsage=critical,keyCertSign", "-keyout", self.pair.key, "-out", self.pair.certificate)

    def issue(self, name, start=-1, end=10, use="clientAuth", names="DNS:localhost,IP:127.0.0.1", key=("ec", "ec_paramgen_curve:P-256")):
        self.count += 1
        pair = Pair(self.folder, "%d" % self.count)
        config, request = os.path.join(self.folder, "config"), os.path.join(self.folder, "request")
        with open(config, "w", encoding="utf-8") as out:
            out.write(CONFIG.format(folder=self.folder, use=use, names=names))
        openssl("req", "-new", "-newkey", key[0], "-pkeyopt", key[1], "-noenc", "-subj", "/CN=" + name, "-keyout", pair.key, "-out", request)
        openssl("ca", "-batch", "-notext", "-config", config, "-extensions", "leaf", "-in", request, "-out", pair.certificate,
                "-cert", self.pair.certificate, "-keyfile", self.pair.key, "-startdate", utc(start), "-enddate", utc(end))
        return pair

    def issue_for_server(self, name="licit", **more):
        return self.issue(name, use="serverAuth", **more)


def sign_itself(folder, name):
    pair = Pair(folder, "self-signed")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=" + name, "-days", "10",
            "-addext", "extendedKeyUsage=clientAuth", "-keyout", pair.key, "-out", pair.certificate)
    return pair
