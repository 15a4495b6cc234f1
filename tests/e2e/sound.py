#!/usr/bin/env python3
"""Sound programs under a changing load, and leaks beside them.

    sound.py [SECONDS]

Three services on PostgreSQL, a Prometheus that scrapes them and an etcd that is
written, read and watched must raise nothing: no verdict above suspect, no dump.
Their load swings, and doubles for good half-way. In the same time the harness
must find the leaks injected beside them, so that no grace hides a false alarm.
"""
import os
import sys
import threading
import time
import urllib.parse
import urllib.request

import fleet

# The longest window and grace that an injected leak needs, twice.
SECONDS = fleet.scaled(2 * (0.5 + 8))
INJECTED = ("channel", "time-after")

PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s}}
rule_files: [{dir}/rules.yml]
scrape_configs:
- job_name: shop
  static_configs: [{{targets: {shops}}}]
- job_name: others
  static_configs: [{{targets: ["{own}", "{etcd}"]}}]
"""
RULES = """
groups:
- name: shop
  rules:
  - {record: 'shop:requests:rate10s', expr: 'sum by (instance) (rate(shop_requests_total[10s]))'}
  - {alert: TooMany, expr: 'go_goroutines > 100000'}
"""
QUERIES = ("up", "sum(rate(shop_requests_total[10s]))", "count by (job) ({__name__=~'.+'})",
           "histogram_quantile(0.9, sum by (le) (rate(etcd_disk_wal_fsync_duration_seconds_bucket[30s])))")


def changing(seconds, seed):
    """A load of four days' shape: it swings each six hours of the scaled time."""
    return ["-swing", "0.8", "-period", f"{fleet.scaled(6):.1f}s", "-double-at", f"{seconds / 2:.0f}s",
            "-seed", str(seed)]


def start_etcd(ships, seconds):
    client, peer = (f"127.0.0.1:{fleet.free_port()}" for _ in range(2))
    ships.spawn("etcd", [
        "etcd", "--data-dir", os.path.join(ships.dir, "etcd"), "--enable-pprof", "--log-level", "error",
        "--listen-client-urls", f"http://{client}", "--advertise-client-urls", f"http://{client}",
        "--listen-peer-urls", f"http://{peer}", "--initial-advertise-peer-urls", f"http://{peer}",
        "--initial-cluster", f"default=http://{peer}"])
    fleet.wait_until(20, "etcd answers", lambda: fleet.answers(f"http://{client}/health"))
    ships.spawn("etcdload", [os.path.join(fleet.BIN, "etcdload"), "-endpoint", client, "-rate", "20",
                             *changing(seconds, 7)])
    return client


def start_prometheus(ships, shops, etcd):
    own = f"127.0.0.1:{fleet.free_port()}"
    config = os.path.join(ships.dir, "prometheus.yml")
    with open(config, "w") as f:
        f.write(PROMETHEUS.format(dir=ships.dir, shops=list(shops), own=own, etcd=etcd))
    with open(os.path.join(ships.dir, "rules.yml"), "w") as f:
        f.write(RULES)
    ships.spawn("prometheus", [
        "prometheus", f"--config.file={config}", f"--web.listen-address={own}", "--log.level=error",
        f"--storage.tsdb.path={os.path.join(ships.dir, 'prometheus')}"])
    fleet.wait_until(20, "Prometheus is ready", lambda: fleet.answers(f"http://{own}/-/ready"))
    return own


def ask_prometheus(address, seconds):
    """Dashboards: at first one that is refreshed each second, then ten."""
    start = time.monotonic()
    for n in range(10 * int(seconds)):
        if time.monotonic() - start > seconds:
            return
        if n % 10 == 0 or time.monotonic() - start > seconds / 2:
            query = urllib.parse.urlencode({"query": QUERIES[n % len(QUERIES)]})
            fleet.answers(f"http://{address}/api/v1/query?{query}")
        time.sleep(0.1)


def start_sound(ships, seconds):
    """name -> its watcher."""
    database = ships.postgres()
    shops = {}
    for seed, pattern in enumerate(("db-rows", "db-tx", "pgx-pool")):
        _, shops[pattern] = ships.shop(pattern, pattern, "-postgres", database, "-swing-all", "-rate", "12",
                                       "-background", "30", *changing(seconds, seed))
    etcd = start_etcd(ships, seconds)
    prometheus = start_prometheus(ships, shops.values(), etcd)
    threading.Thread(target=ask_prometheus, args=(prometheus, seconds), daemon=True).start()
    sound = {name: fleet.Watch(ships, name, address) for name, address in shops.items()}
    sound["etcd"] = fleet.Watch(ships, "etcd-watched", etcd)
    sound["prometheus"] = fleet.Watch(ships, "prometheus-watched", prometheus)
    return sound


def start_injected(ships):
    injected = {}
    for pattern in INJECTED:
        _, address = ships.shop(pattern, pattern, "-variant", "leaking")
        injected[pattern] = fleet.Watch(ships, pattern, address)
    return injected


def look(ships, sound, injected, accused, found):
    """Once at each; those accused or found are not looked at again."""
    ships.check()
    for name, watch in sound.items():
        if name not in accused and (accusations := watch.accusations()):
            accused[name] = accusations
    for name, watch in injected.items():
        target = None if name in found else watch.target()
        if fleet.alarm(target):
            found[name] = f"{watch.seconds():.0f} s: {fleet.verdict_text(target)}"


def tell(sound, injected, accused, found):
    for name, watch in sound.items():
        if unseen := watch.unseen():
            accused.setdefault(name, unseen)
        target = watch.target()
        verdict = target and target["verdict"]
        quiet = f", {fleet.verdict_text(target)}" if verdict and name not in accused else ""
        print(f"{'FAIL' if name in accused else 'ok  '}  {name} is sound{quiet}")
        print("".join(f"      {line}\n" for line in accused.get(name, [])), end="")
    for name in injected:
        print(f"{'ok  ' if name in found else 'FAIL'}  {name} leaks, {found.get(name, 'and was not found')}")
    wrong = len(accused) + len(injected) - len(found)
    print(f"{len(sound)} sound programs, {len(injected)} leaks, {fleet.TIME_SCALE * SECONDS / 3600:.0f} hours "
          f"at time scale {fleet.TIME_SCALE}, {wrong} failed")
    return wrong != 0


def main(seconds):
    accused, found = {}, {}
    with fleet.Fleet("sound") as ships:
        sound, injected = start_sound(ships, seconds), start_injected(ships)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            look(ships, sound, injected, accused, found)
            time.sleep(1)
        return tell(sound, injected, accused, found)


if __name__ == "__main__":
    SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    sys.exit(main(SECONDS))
