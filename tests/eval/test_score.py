#!/usr/bin/env python3
"""The scorer's own arithmetic, on events whose worth is plain; and, when the
programs are built (--smoke), that a leak is found and a quiet service is not one."""
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest

import measure
import series
import summary

HERE = os.path.dirname(os.path.abspath(__file__))
H = series.HOUR
LEAK = series.Series(onset=10 * H, killed=60 * H, end=60 * H, limit=1000, goroutines=[],
                     resident=[])


def verdict(hour, grade="likely", **more):
    return {"t": hour * H, "event": "verdict", "kind": "drift", "grade": grade, **more}


class Judgement(unittest.TestCase):
    def test_alarms_within_six_hours_are_one(self):
        self.assertEqual(measure.episodes([0, 6 * H, 12 * H, 19 * H]), [0, 19 * H])

    def test_before_the_onset_is_false_and_after_is_a_hit(self):
        got = measure.judge([2 * H, 12 * H, 13 * H], LEAK)
        self.assertEqual(got, {"false": [2 * H], "delay": 2 * H, "lead": 48 * H})

    def test_a_sound_service_has_only_false_alarms(self):
        sound = LEAK._replace(onset=None, killed=None)
        got = measure.judge([2 * H, 59 * H], sound)
        self.assertEqual(got, {"false": [2 * H, 59 * H], "delay": None, "lead": None})

    def test_a_suspect_is_no_alarm(self):
        flat = LEAK._replace(goroutines=[1] * 3600, resident=[1] * 3600)
        got = measure.measure([verdict(3, "suspect"), verdict(20, "suspect")], flat)
        self.assertEqual(got["detectors"]["leakwatch"], {"false": [], "delay": None, "lead": None})
        self.assertEqual(got["detectors"]["suspect"]["delay"], 10 * H)
        self.assertEqual(got["suspects"], [3 * H])

    def test_first_dump_after_the_onset_gives_the_lead(self):
        dumps = [{"t": t * H, "event": "dump", "trigger": "verdict"} for t in (5, 59, 59.5)]
        self.assertEqual(measure.judge_dumps(dumps, LEAK), {"sound": [5 * H], "lead": H})
        self.assertIsNone(measure.judge_dumps([], LEAK)["lead"])

    def test_the_first_stack_named_counts(self):
        events = [verdict(11), verdict(12, stack="s_handler"), verdict(13, stack="s_leak")]
        self.assertFalse(measure.named(events, LEAK))
        self.assertTrue(measure.named(events[2:], LEAK))
        self.assertIsNone(measure.named(events[:1], LEAK))


class Forecast(unittest.TestCase):
    def test_the_newest_forecast_before_the_moment(self):
        events = [verdict(20, eta_s=99 * H), verdict(30, eta_s=18 * H), verdict(40, eta_s=1)]
        # Read at hour 36: the kill was said for hour 48, twelve hours ahead of 24.
        self.assertEqual(measure.forecast(events, LEAK, 24), 0.5)

    def test_an_emergency_is_no_forecast(self):
        events = [verdict(20, eta_s=40 * H), {"t": 36 * H, "event": "dump", "kind": "blowup",
                                              "trigger": "emergency", "eta_s": 20}]
        self.assertEqual(measure.forecast(events, LEAK, 24), 1)

    def test_a_cleared_verdict_forecasts_nothing(self):
        events = [verdict(20, eta_s=40 * H), {"t": 30 * H, "event": "clear"}]
        self.assertIsNone(measure.forecast(events, LEAK, 24))
        self.assertEqual(measure.forecast(events[:1], LEAK, 24), 1)


class Alerts(unittest.TestCase):
    def series_of(self, goroutines, resident):
        return LEAK._replace(goroutines=goroutines, resident=resident)

    def test_the_ratio_needs_fifteen_minutes(self):
        for minutes, fires in ((15, False), (16, True)):
            g = [100] * 120 + [121] * minutes + [100] * 60
            self.assertEqual(bool(series.ratio_alert(self.series_of(g, g))), fires)

    def test_the_ratio_is_deaf_to_a_line_on_a_grown_base(self):
        g = [1000 + 3 * m for m in range(600)]
        self.assertEqual(series.ratio_alert(self.series_of(g, g)), [])

    def test_five_minutes_without_a_sample_end_an_alert(self):
        g = [100] * 70 + [200] * 10 + [None] * 4 + [200] * 2
        self.assertEqual(len(series.ratio_alert(self.series_of(g, g))), 1)
        g = [100] * 70 + [200] * 10 + [None] * 5 + [200]
        self.assertEqual(series.ratio_alert(self.series_of(g, g)), [])

    def test_predict_linear_looks_four_hours_ahead(self):
        rising = [2 * m for m in range(400)]  # over 1001 at minute 501: pending from 261
        got = series.predict_alert(self.series_of(rising, rising)._replace(limit=1001))
        self.assertEqual(got[0], (261 + 15) * 60)

    def test_a_label_and_a_full_memory_are_a_leak_and_a_kill(self):
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as f:
            f.write("t,goroutines,heap_bytes,rss_bytes,limit,label,s_a,uptime\n"
                    "0,1,1,5,9,0,1,0\n10,2,1,5,9,1,1,10\n130,3,1,9,9,1,1,130\n")
            f.flush()
            got = series.read_series(f.name)
        self.assertEqual((got.onset, got.killed, got.end), (10, 130, 130))
        self.assertEqual(got.goroutines, [2, None, 3])


class Figures(unittest.TestCase):
    def test_percentile(self):
        self.assertEqual(measure.percentile([4, 1, 3, 2], 0.5), 2.5)
        self.assertEqual(measure.percentile([1, math.inf], 0.0), 1)
        self.assertEqual(measure.percentile([1, math.inf, math.inf], 0.5), math.inf)
        self.assertIsNone(measure.percentile([], 0.5))

    def test_what_is_not_found_is_found_never(self):
        flat = LEAK._replace(goroutines=[1] * 3600, resident=[1] * 3600)
        missed = {"class": "a", "group": "steady", "seed": 1, **measure.measure([], flat)}
        targets = {t.name: t for t in summary.targets([missed])}
        self.assertFalse(targets["recall of slow leaks"].holds)
        self.assertEqual(targets["median delay of steady goroutine leaks"].figure, math.inf)
        self.assertFalse(targets["lead before a kill, p10"].holds)
        self.assertEqual(len(summary.mistakes([missed])), 1)

    def test_two_runs_that_differ(self):
        few, many = [verdict(1), verdict(2)], [verdict(1), verdict(3)]
        self.assertEqual([line[:1] for line in measure.differences(few, many)], ["-", "+"])
        self.assertEqual(measure.differences(few, few), [])


class Smoke(unittest.TestCase):
    def test_a_leak_is_found_and_a_quiet_service_is_none(self):
        run = subprocess.run([os.path.join(HERE, "score.py"), "--seeds", "100", "-o", "json",
                              "--classes", "lin3d,flat,blow_60s"],
                             capture_output=True, text=True, check=False)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        classes = json.loads(run.stdout)["classes"]
        self.assertEqual(classes["lin3d"]["recall"], 1)
        self.assertEqual(classes["lin3d"]["named"], 1)
        self.assertEqual(classes["flat"]["false_a_day_leakwatch"], 0)
        self.assertEqual(classes["flat"]["dumps_a_day"], 0)


if __name__ == "__main__":
    if "--smoke" in sys.argv:
        sys.argv.remove("--smoke")
    else:
        del Smoke
    unittest.main()
