#include "tests/eval/classes.h"

#include <stddef.h>
#include <string.h>

#define MINUTES 60
#define HOURS 3600

/* clang-format off */
#define ONE(how)     {{.law = how}}
#define IN_HEAP(how) {{.law = how, .site = SITE_HEAP}}

const struct service_class class_table[] = {
    /* ---- goroutines leak, slowly ---- */
    {"lin3d", GROUP_STEADY, "evenly, three days to the kill",
     .leaks = ONE(LAW_EVEN), .kill_h = {66, 78}},
    {"cron_stair", GROUP_STEADY, "a job leaves some behind every ten minutes",
     .flat = true, .leaks = {{.law = LAW_STAIRS, .stair_s = 10 * MINUTES}}, .kill_h = {60, 78}},
    {"traffic_leak", GROUP_STEADY, "so many a request, hardly any at night",
     .leaks = ONE(LAW_TRAFFIC), .kill_h = {40, 70}},
    {"late_onset", GROUP_STEADY, "a new version brings the leak on the second day",
     .leaks = ONE(LAW_EVEN), .onset_h = {26, 40}, .kill_h = {20, 34}, .deployed = true},
    {"daily_restart", GROUP_STEADY, "restarted before it can be killed",
     .leaks = ONE(LAW_EVEN), .kill_h = {40, 60}, .restart_h = {16, 22}},
    {"noisy_gaps", GROUP_STEADY, "three times the noise, every fourth scrape fails",
     .leaks = ONE(LAW_EVEN), .kill_h = {48, 76}, .noise = 3, .missed = 0.25},
    {"hours_leak", GROUP_STEADY, "hours to the kill",
     .hours = 24, .leaks = ONE(LAW_EVEN), .onset_h = {4, 10}, .kill_h = {4, 9}},
    {"two_leaks", GROUP_STEADY, "two stacks, one three times as fast as the other",
     .leaks = {{.law = LAW_EVEN, .share = 0.75}, {.law = LAW_EVEN, .share = 0.25}},
     .kill_h = {50, 76}},
    {"growth_leak", GROUP_STEADY, "in a service whose traffic grows every day",
     .growth = {0.15, 0.35}, .leaks = ONE(LAW_EVEN), .kill_h = {48, 70}},
    {"double_leak", GROUP_STEADY, "in a service whose traffic doubles for good",
     .double_h = {4, 10}, .leaks = ONE(LAW_TRAFFIC), .kill_h = {60, 80}},
    {"autoscale_leak", GROUP_STEADY, "replicas come and go, so many a request of this pod",
     .autoscaled = true, .leaks = ONE(LAW_TRAFFIC), .kill_h = {40, 70}},
    {"absence_leak", GROUP_STEADY, "nothing is scraped for hours now and then",
     .leaks = ONE(LAW_EVEN), .kill_h = {50, 76}, .absences_a_day = 4},
    {"leak_stops", GROUP_STEADY, "over after some hours, never freed",
     .leaks = ONE(LAW_EVEN), .onset_h = {6, 30}, .kill_h = {30, 50}, .stop_h = {6, 14}},
    {"accelerate", GROUP_SLOW, "ever faster",
     .leaks = ONE(LAW_FASTER), .kill_h = {40, 70}},
    {"ratchet_burst", GROUP_SLOW, "each burst leaves a quarter behind",
     .bursts_a_day = 7, .leaks = ONE(LAW_BURSTS), .kill_h = {36, 70}},
    {"big_steps", GROUP_SLOW, "many at once, every six hours",
     .leaks = {{.law = LAW_STAIRS, .stair_s = 6 * HOURS}}, .kill_h = {48, 70}},
    {"tiny_masked", GROUP_SLOW, "weeks to the kill, under a sixfold swing of traffic",
     .swing = 6, .leaks = ONE(LAW_EVEN), .kill_h = {400, 600}},
    {"mixed_leaks", GROUP_SLOW, "a stack by traffic, one in steps, and the heap",
     .leaks = {{.law = LAW_TRAFFIC, .share = 0.4},
               {.law = LAW_STAIRS, .share = 0.2, .stair_s = 2 * HOURS},
               {.law = LAW_EVEN, .site = SITE_HEAP, .share = 0.4}}, .kill_h = {50, 76}},
    {"rollout_leak", GROUP_UNDONE, "hours to the kill, but a new version every hour",
     .leaks = ONE(LAW_EVEN), .kill_h = {3, 8}, .restart_h = {0.9, 1.1},
     .cache = 0.04, .cache_h = {0.1, 0.3}},
    /* ---- no goroutine shows it ---- */
    {"heap_lin", GROUP_HEAP, "live heap, evenly",
     .leaks = IN_HEAP(LAW_EVEN), .kill_h = {50, 76}},
    {"heap_traffic", GROUP_HEAP, "live heap, so much a request",
     .leaks = IN_HEAP(LAW_TRAFFIC), .kill_h = {40, 70}},
    {"memlimit", GROUP_HEAP, "GOMEMLIMIT keeps memory flat while live heap climbs",
     .gomemlimit = 0.90, .leaks = IN_HEAP(LAW_EVEN), .kill_h = {44, 70}},
    {"cache_leak", GROUP_HEAP, "live heap, while a cache fills and levels off",
     .cache = 0.10, .cache_h = {3, 8}, .leaks = IN_HEAP(LAW_EVEN), .kill_h = {44, 70}},
    {"rss_only", GROUP_SLOW, "memory outside of the Go heap",
     .leaks = {{.law = LAW_EVEN, .site = SITE_NATIVE}}, .kill_h = {40, 70}},
    /* ---- no time for more than a dump ---- */
    {"hang_3min", GROUP_FAST, "every request hangs, two to four minutes",
     .step_s = 1, .hours = 6, .leaks = ONE(LAW_EVEN), .onset_h = {3, 5.5},
     .kill_s = {120, 240}},
    {"blow_60s", GROUP_FAST, "45 to 80 seconds",
     .step_s = 1, .hours = 6, .leaks = IN_HEAP(LAW_EVEN), .onset_h = {3, 5.5},
     .kill_s = {45, 80}},
    {"blow_20s", GROUP_FAST, "15 to 25 seconds",
     .step_s = 1, .hours = 6, .leaks = IN_HEAP(LAW_EVEN), .onset_h = {3, 5.5},
     .kill_s = {15, 25}},
    /* ---- sound, and plain ---- */
    {"flat", GROUP_QUIET, "the same day and night", .flat = true},
    {"diurnal", GROUP_QUIET, "a day's swing", .swing = 2},
    {"diurnal_deep", GROUP_QUIET, "a sevenfold swing", .swing = 6},
    {"weekend_edge", GROUP_QUIET, "quiet at the weekend", .swing = 3, .weekend = true},
    {"deploys", GROUP_QUIET, "a new version every few hours",
     .restart_h = {3, 14}, .cache = 0.06, .cache_h = {0.3, 1}},
    {"drain_bursts", GROUP_QUIET, "bursts that drain", .bursts_a_day = 9},
    {"gc_wide", GROUP_QUIET, "GOGC=200", .gogc = 2},
    {"gaps", GROUP_QUIET, "twice the noise, a third of the scrapes fails",
     .noise = 2, .missed = 0.3},
    /* ---- sound, and easily taken for a leak ---- */
    {"warm_up", GROUP_SOUND, "a cache fills within hours", .cache = 0.14, .cache_h = {1, 5}},
    {"slow_cache", GROUP_SOUND, "a cache fills over a day", .cache = 0.18, .cache_h = {8, 16}},
    {"pool_step", GROUP_SOUND, "a second pool is opened", .pool_step_h = {10, 50}},
    {"pool_ratchet", GROUP_SOUND, "a pool that only ever grows, to the highest peak",
     .swing = 3, .pool_keeps = true},
    {"ramp_plateau", GROUP_SOUND, "traffic doubles over hours and stays", .ramp_h = {4, 10}},
    {"doubled", GROUP_SOUND, "traffic doubles within minutes and stays", .double_h = {10, 50}},
    {"growth", GROUP_SOUND, "traffic grows every day", .growth = {0.15, 0.35}},
    {"autoscale", GROUP_SOUND, "replicas come and go", .autoscaled = true},
    {"rollouts", GROUP_SOUND, "a new version every hour",
     .restart_h = {0.9, 1.1}, .cache = 0.04, .cache_h = {0.1, 0.3}},
    {"subscribers", GROUP_SOUND, "long connections come in the morning and leave at night",
     .subscribers = true},
    {"night_batch", GROUP_SOUND, "a batch of two hours every night", .night_batch = true},
    {"slow_wave", GROUP_SOUND, "a wave of four to eight hours", .flat = true, .wave_h = {4, 8}},
    {"gc_tuned", GROUP_SOUND, "GOGC=off, held at nine tenths of the limit by GOMEMLIMIT",
     .gogc = 50, .gomemlimit = 0.90},
    {"mmap_file", GROUP_SOUND, "mapped files fill memory and are reclaimed",
     .page_cache = true},
    {"absences", GROUP_SOUND, "nothing is scraped for hours now and then", .absences_a_day = 4},
    {"near_miss", GROUP_SOUND, "one spike of seconds, that drains",
     .step_s = 1, .hours = 6, .near_miss = {0.70, 0.88}},
    {"bursty_fast", GROUP_SOUND, "bursts of seconds",
     .step_s = 1, .hours = 6, .bursts_an_hour = 6},
};
/* clang-format on */
const int class_count = sizeof(class_table) / sizeof(class_table[0]);

const char *class_group_text(enum class_group g)
{
    switch (g) {
    case GROUP_STEADY: return "steady";
    case GROUP_SLOW: return "slow";
    case GROUP_HEAP: return "heap";
    case GROUP_UNDONE: return "undone";
    case GROUP_FAST: return "fast";
    case GROUP_SOUND: return "sound";
    case GROUP_QUIET: return "quiet";
    }
    return "";
}

bool class_leaks(enum class_group g)
{
    return g != GROUP_SOUND && g != GROUP_QUIET;
}

const struct service_class *class_find(const char *name)
{
    for (int i = 0; i < class_count; i++)
        if (strcmp(class_table[i].name, name) == 0)
            return &class_table[i];
    return NULL;
}

double class_step_s(const struct service_class *c)
{
    return c->step_s ? c->step_s : 10;
}

double class_length_s(const struct service_class *c)
{
    return (c->hours ? c->hours : 84) * (double)HOURS;
}

int class_stacks_leaking(const struct service_class *c)
{
    int n = 0;
    for (int i = 0; i < CLASS_LEAKS_MAX; i++)
        n += c->leaks[i].law != LAW_NONE && c->leaks[i].site == SITE_STACK;
    return n > 0 ? n : 1;
}
