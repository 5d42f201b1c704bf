# SPDX-License-Identifier: Apache-2.0
"""TLS of the real daemon: what scanners find, certificates swapped under load, certificates of clients. Prints TAP."""
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree

from authority import Authority, Pair, sign_itself
from gate import Gate, ask_on

LICITD, SANITIZER = os.path.abspath(sys.argv[1]), sys.argv[2]
SWAPS, PER_SWAP = 50, 100 if SANITIZER == "none" else 20
MODELS = "/v1/models"
STRONG = {"AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"}
SUITES_13 = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}

# What testssl may say, by id: of the certificate that licit made for itself, nobody's authority; and of a name without DNS.
EXPECTED = {"cert_chain_of_trust": "CRITICAL", "cert_revocation": "HIGH"}
HARMLESS = {"OK", "INFO", "LOW", "DEBUG"}


def check(condition, about):
    if not condition:
        raise AssertionError(about)


def note(text):
    print("# " + text, flush=True)


class Scans:
    """Protocols, suites, renegotiation: what others' tools see."""

    def __init__(self, folder):
        self.folder = folder
        authority = Authority(folder, "scans")
        rsa = authority.issue_for_server(key=("rsa", "rsa_keygen_bits:2048"))
        self.gate = Gate(LICITD, os.path.join(folder, "scans-state"))
        self.gate.start({"main": {}, "rsa": {"certificate": rsa.certificate, "key": rsa.key}})

    def scan(self, name):
        out = os.path.join(self.folder, "sslscan.xml")
        subprocess.run(["sslscan", "--no-colour", "--xml=" + out, "127.0.0.1:%d" % self.gate.ports[name]], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, check=True, timeout=300)
        return xml.etree.ElementTree.parse(out).getroot().find("ssltest")

    def sslscan(self, name, kind):
        found = self.scan(name)
        spoken = {(it.get("type"), it.get("version")) for it in found.findall("protocol") if it.get("enabled") == "1"}
        check(spoken == {("tls", "1.2"), ("tls", "1.3")}, spoken)
        check(all(it.get("supported") == "0" for it in found.findall("renegotiation")), "renegotiation")
        check(all(it.get("vulnerable") == "0" for it in found.findall("heartbleed")), "heartbleed")
        check(all(it.get("supported") == "0" for it in found.findall("compression")), "compression")
        suites = {it.get("cipher") for it in found.findall("cipher")}
        check(suites == SUITES_13 | {"ECDHE-%s-%s" % (kind, it) for it in STRONG}, suites)
        groups = {it.get("name").split()[0] for it in found.findall("group")}
        check(groups == {"x25519", "secp256r1", "secp384r1"}, groups)
        note("sslscan, %s: TLS 1.2 and 1.3, %d suites, groups %s" % (kind, len(suites), " ".join(sorted(groups))))

    def test_sslscan_finds_only_what_is_strong(self):
        self.sslscan("main", "ECDSA")
        self.sslscan("rsa", "RSA")

    def test_testssl_finds_nothing_but_the_own_certificate(self):
        out = os.path.join(self.folder, "testssl.json")
        start = time.monotonic()
        subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--protocols", "--fs", "--std", "--server-preference",
                        "--server-defaults", "--headers", "--vulnerable", "--jsonfile", out, "127.0.0.1:%d" % self.gate.ports["main"]],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=550)
        with open(out, encoding="utf-8") as file:
            found = json.load(file)
        counts = collections.Counter(it["severity"] for it in found)
        note("testssl: %s; %.0f s" % (", ".join("%s %d" % it for it in sorted(counts.items())), time.monotonic() - start))
        ids = {it["id"] for it in found}
        check({"TLS1_2", "TLS1_3", "cipher_order", "secure_client_renego", "heartbleed", "cert_keySize"} <= ids, "it did not look at all")
        bad = [it for it in found if it["severity"] not in HARMLESS and EXPECTED.get(it["id"]) != it["severity"] and it["id"] != "engine_problem"]
        check(not bad, bad)

    def s_client(self, *words, text=""):
        done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % self.gate.ports["main"], *words], input=text,
                              capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def test_s_client_gets_the_new_versions_alone(self):
        for version, works in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
            status, text = self.s_client(version, "-cipher", "ALL:@SECLEVEL=0")
            check((status == 0) == works and ("Cipher is (NONE)" in text) != works, (version, status, text[-800:]))

    def test_s_client_gets_the_order_of_the_server(self):
        for cipher in ("ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
                       "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"):
            _, text = self.s_client("-tls1_2", "-cipher", cipher)
            check("Cipher is ECDHE-ECDSA-AES128-GCM-SHA256" in text, text[-800:])

    def test_s_client_cannot_take_up_a_session_again(self):
        for version in ("-tls1_2", "-tls1_3"):
            kept = os.path.join(self.folder, "session")
            _, text = self.s_client(version, "-sess_out", kept)
            check("session ticket" not in text.lower(), text[-800:])
            if os.path.exists(kept):
                _, text = self.s_client(version, "-sess_in", kept)
                check("Reused" not in text and "New, TLS" in text, text[-800:])

    def test_s_client_cannot_renegotiate(self):
        process = subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:%d" % self.gate.ports["main"]],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        text = ""
        while "Extended master secret" not in text:  # the end of what it says about the handshake
            line = process.stdout.readline()
            check(line != "", text)
            text += line
        process.stdin.write("R\n")
        process.stdin.flush()
        text = process.stdout.read()  # to its end, which only the server brings
        process.stdin.close()
        check("RENEGOTIATING" in text and "closed" not in text, text)
        check(process.wait(60) != 0, text)
        check(self.gate.ask("GET", "/v2/health/live")[0] == 200, "it serves no more")

    def test_it_stops_in_order(self):
        check(self.gate.stop() == 0, "".join(self.gate.log[-5:]))


class Load:
    """Clients that ask without a pause: half keep their connection throughout, half make a new one for each request."""

    def __init__(self, gate, ends=4):
        self.gate, self.stopping, self.failures = gate, threading.Event(), []
        self.requests, self.handshakes, self.seen, self.lock = 0, 0, set(), threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(work,)) for work in (self.keep, self.renew) for _ in range(ends)]
        for thread in self.threads:
            thread.start()

    def run(self, work):
        try:
            work(self.gate.token)
        except Exception as error:  # whatever it is, it is a request that failed
            self.failures.append(repr(error))

    def done(self, connection, is_new, token):
        status, body = ask_on(connection, MODELS, token=token)
        check(status == 200 and body["object"] == "list", (status, body))
        with self.lock:
            self.requests += 1
            self.handshakes += is_new
            if is_new:
                self.seen.add(connection.sock.getpeercert(True))

    def keep(self, token):
        connection = self.gate.connect()
        connection.auto_open = 0  # a connection that is lost is a failure
        self.done(connection, True, token)
        while not self.stopping.is_set():
            self.done(connection, False, token)
        connection.close()

    def renew(self, token):
        while not self.stopping.is_set():
            connection = self.gate.connect()
            self.done(connection, True, token)
            connection.close()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class Swaps:
    """A new certificate while the daemon serves."""

    def __init__(self, folder):
        self.shown = Pair(folder, "shown")
        self.authorities = [Authority(folder, "swaps-%d" % i) for i in range(2)]
        self.pairs = [self.authorities[i % 2].issue_for_server("licit-%d" % i) for i in range(6)]
        self.put(self.pairs[0])
        self.gate = Gate(LICITD, os.path.join(folder, "swaps-state"))
        self.gate.start({}, tls__certificate=self.shown.certificate, tls__key=self.shown.key)

    def put(self, pair, key=None):
        shutil.copyfile(pair.certificate, self.shown.certificate)
        shutil.copyfile((key or pair).key, self.shown.key)
        os.chmod(self.shown.key, 0o600)

    def test_swaps_under_load_fail_no_request(self):
        load = Load(self.gate)
        try:
            for i in range(1, SWAPS + 1):
                pair = self.pairs[i % len(self.pairs)]
                before = load.requests
                self.put(pair)
                self.gate.reload()
                check(self.gate.see() == pair.der, "swap %d is not seen" % i)
                while load.requests < before + PER_SWAP and not load.failures:  # each certificate serves some
                    time.sleep(0.001)
        finally:
            load.stop()
        note("%d swaps, %d requests, %d handshakes, %d failures" % (SWAPS, load.requests, load.handshakes, len(load.failures)))
        check(not load.failures, load.failures[:3])
        check(load.seen <= {pair.der for pair in self.pairs} and len(load.seen) > 1, "%d certificates" % len(load.seen))

    def test_a_broken_certificate_leaves_the_one_before(self):
        good = self.pairs[0]
        self.put(good)
        self.gate.reload()
        kept = self.gate.connect()

        def still_serves(part):
            self.gate.reload("event=reload_failed")
            check(part in self.gate.log[-1] or any(part in line for line in self.gate.log[-5:]), self.gate.log[-5:])
            check(self.gate.see() == good.der, "another one is shown")
            check(ask_on(kept, MODELS, token=self.gate.token)[0] == 200, "the old connection")

        self.put(self.pairs[1], key=self.pairs[2])
        still_serves("must belong to the certificate")
        self.put(self.pairs[1])
        with open(self.shown.certificate, "w", encoding="ascii") as file:
            file.write("-----BEGIN CERTIFICATE-----\n")
        still_serves("must be a PEM file")
        self.put(self.pairs[1])
        os.truncate(self.shown.key, 50)
        still_serves("must be a PEM file")
        self.put(self.pairs[1])
        os.chmod(self.shown.key, 0o644)
        still_serves("chmod")
        os.remove(self.shown.certificate)
        still_serves("cannot open")
        self.put(self.pairs[1])
        self.gate.reload()
        check(self.gate.see() == self.pairs[1].der, "the mended one is not shown")
        check(ask_on(kept, MODELS, token=self.gate.token)[0] == 200, "the old connection")
        kept.close()

    def test_one_that_ends_soon_is_said(self):
        self.put(self.authorities[0].issue_for_server("soon", end=5.5))
        self.gate.reload()
        check(any("event=certificate_ends" in line and "days=5" in line for line in self.gate.log), self.gate.log[-5:])

    def test_it_stops_in_order(self):
        check(self.gate.stop() == 0, "".join(self.gate.log[-5:]))


class Clients:
    """Certificates of clients, on listeners that do not ask, ask, and insist."""

    MODES = ("none", "request", "require")

    def __init__(self, folder):
        self.folder = folder
        self.map = os.path.join(folder, "client-tokens")
        self.ours, self.others = Authority(folder, "ours"), Authority(folder, "others")
        shown = [it.issue_for_server("licit") for it in (self.ours, self.others)]
        self.write_map("")
        asked = {"client_ca": self.ours.pair.certificate, "client_tokens": self.map, "certificate": shown[0].certificate, "key": shown[0].key}
        self.shown = dict(zip(("request", "far"), shown))
        self.gate = Gate(LICITD, os.path.join(folder, "clients-state"))
        self.gate.start({
            "main": {},
            "request": dict(asked, client_certificates="request"),
            "require": dict(asked, client_certificates="require"),
            "far": {"client_ca": self.others.pair.certificate, "client_tokens": self.map, "client_certificates": "require",
                    "certificate": shown[1].certificate, "key": shown[1].key},
        })
        self.tokens = {name: self.make_token(name) for name in ("mapped", "revoked", "uri", "exact")}
        self.make_pairs()
        self.write_map("# who is who\nname:mapped {mapped}\nname:revoked  {revoked}\nuri:spiffe://shop/web\t{uri}\n"
                       "name:by uri {exact}\nname:exact {mapped}\nsha256:%s {exact}\n" % self.pairs["exact"].sha256)
        self.gate.reload()
        check(self.gate.ask("DELETE", "/v1/tokens/" + self.tokens["revoked"], token=self.gate.token)[0] in (200, 204), "revoke")

    def make_pairs(self):
        ours, others = self.ours, self.others
        self.pairs = {
            "mapped": ours.issue("mapped"),
            "unmapped": ours.issue("unmapped"),
            "revoked": ours.issue("revoked"),
            "by uri": ours.issue("by uri", names="URI:spiffe://shop/web"),
            "exact": ours.issue("exact"),
            "wrong authority": others.issue("mapped"),
            "expired": ours.issue("mapped", start=-10, end=-1),
            "not yet valid": ours.issue("mapped", start=1, end=10),
            "of a server": ours.issue("mapped", use="serverAuth"),
            "self-signed": sign_itself(self.folder, "mapped"),
        }

    def make_token(self, name):
        status, body = self.gate.ask("POST", "/v1/tokens", {"name": name, "scopes": ["model:%s-*:read" % name.replace(" ", "-")], "expires_in": 3600},
                                     token=self.gate.token)
        check(status == 201, body)
        return body["id"]

    def write_map(self, text):
        with open(self.map, "w", encoding="utf-8") as file:
            file.write(text.format(**getattr(self, "tokens", {})))

    @staticmethod
    def expected(pair, mode, bearer):
        """The status of GET /v1/models, and a part of its words."""
        faults = {"wrong authority": "must be signed by an authority", "self-signed": "must be signed by an authority", "expired": "has expired",
                  "not yet valid": "is not valid yet", "of a server": "client authentication"}
        if mode != "none" and pair in faults:
            return 403, faults[pair]
        if mode == "require" and pair is None:
            return 403, "must be sent"
        if bearer == "good":
            return 200, ""
        if bearer == "bad" or mode == "none" or pair in (None, "unmapped", "revoked"):
            return 401, ""
        return 200, ""

    def test_the_matrix(self):
        rows = 0
        bearers = {None: None, "good": self.gate.token, "bad": "licit_nothing"}
        listeners = {"none": "main", "request": "request", "require": "require"}
        for pair in (None, *self.pairs):
            for mode in self.MODES:
                for version in ("1.2", "1.3"):
                    for bearer, token in bearers.items():
                        status, body = self.gate.ask("GET", MODELS, token=token, name=listeners[mode], pair=self.pairs.get(pair), version=version)
                        wanted, words = self.expected(pair, mode, bearer)
                        detail = "" if status == 200 else body["detail"]
                        check(status == wanted and words in detail, (pair, mode, version, bearer, status, body))
                        rows += 1
        note("%d rows: %d certificates and none, %d modes, TLS 1.2 and 1.3, 3 headers" % (rows, len(self.pairs), len(self.MODES)))

    def who(self, pair, name="require"):
        """The token that a certificate stands for, by the one model that it may see."""
        for token in self.tokens:
            if self.gate.ask("GET", "/v1/models/%s-x" % token, name=name, pair=pair)[0] == 404:
                return token
        return None

    def test_the_most_exact_line_counts(self):
        for pair, token in (("mapped", "mapped"), ("by uri", "uri"), ("exact", "exact"), ("unmapped", None), ("revoked", None)):
            check(self.who(self.pairs[pair]) == token, (pair, self.who(self.pairs[pair])))

    def test_nothing_is_open_where_a_certificate_is_required(self):
        for path in ("/v2/health/live", "/openapi.json", "/", "/nowhere"):
            for pair in (None, self.pairs["expired"]):
                status, body = self.gate.ask("GET", path, name="require", pair=pair)
                check(status == 403 and body["code"] == "forbidden" and body["path"] == "client_certificate", (path, status, body))
        check(self.gate.ask("GET", "/v2/health/live", name="require", pair=self.pairs["unmapped"])[0] == 200, "health")

    def test_each_listener_has_its_own(self):
        for name in ("request", "far"):
            check(self.gate.see(name) == self.shown[name].der, name)
        check(self.gate.see("main") not in (self.shown["request"].der, self.shown["far"].der), "main")
        self.gate.connect("far", trust=self.others.pair.certificate, pair=self.pairs["wrong authority"]).close()
        check(self.who(self.pairs["wrong authority"], "far") == "mapped", "its own authority's")
        status, body = self.gate.ask("GET", MODELS, name="far", pair=self.pairs["mapped"], token=self.gate.token)
        check(status == 403 and "authority" in body["detail"], body)

    def test_a_reload_holds_for_connections_that_stand(self):
        connections = [self.gate.connect("require", self.pairs["mapped"], version) for version in ("1.2", "1.3")]

        def ask_all():
            return {ask_on(it, "/v1/models/mapped-x")[0] for it in connections}

        check(ask_all() == {404}, ask_all())
        with open(self.map, encoding="utf-8") as file:
            before = file.read()
        self.write_map("name:mapped {mapped}\nname:other\n")
        self.gate.reload("event=reload_failed")
        check(any("client-tokens:2" in line for line in self.gate.log[-5:]), self.gate.log[-5:])
        check(ask_all() == {404}, "what was there is kept")
        self.write_map("name:mapped {exact}\n")
        self.gate.reload()
        check(ask_all() == {403}, ask_all())
        self.write_map("")
        self.gate.reload()
        check(ask_all() == {401}, ask_all())
        self.write_map(before)
        self.gate.reload()
        check(ask_all() == {404}, ask_all())
        gone = self.gate.ask("DELETE", "/v1/tokens/" + self.tokens["mapped"], token=self.gate.token)[0]
        check(gone in (200, 204) and ask_all() == {401}, "revoked with the next request")

    def test_it_stops_in_order(self):
        check(self.gate.stop() == 0, "".join(self.gate.log[-5:]))


def main():
    failed = count = 0
    stories = [Swaps, Clients] + ([Scans] if SANITIZER == "none" else [])  # a scanner's hundreds of handshakes say nothing more there
    only = sys.argv[3:]
    with tempfile.TemporaryDirectory() as folder:
        for story in stories:
            if only and story.__name__ not in only:
                continue
            it = story(folder)
            try:
                for name in [name for name in vars(story) if name.startswith("test_")]:
                    count += 1
                    try:
                        getattr(it, name)()
                        print("ok %d - %s: %s" % (count, story.__name__.lower(), name[5:].replace("_", " ")), flush=True)
                    except Exception as error:
                        failed += 1
                        print("not ok %d - %s: %s\n# %s" % (count, story.__name__.lower(), name[5:].replace("_", " "),
                                                            (repr(error) if not isinstance(error, AssertionError) else str(error)).replace("\n", "\n# ")), flush=True)
            finally:
                if it.gate.process.poll() is None:
                    it.gate.process.kill()
    print("1..%d" % count)
    return failed > 0


sys.exit(main())
