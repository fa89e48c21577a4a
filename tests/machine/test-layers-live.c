/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers that become one while a real QEMU has them: what the guest reads is the same, now and in
 * every snapshot, and QEMU's chain is short. */
#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-clock.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-private.h"
#include "machine/lodge-machine-schedule.h"
#include "memory-guest.h"
#include "plug-guest.h"

#define MIB     (G_GUINT64_CONSTANT (1) << 20)
#define HOUR_S  3600
#define DATA    "disk1"
#define N_TAKEN 6

static LodgeClock clock_now = {.wall_s = 1772359200, .elapsed_s = 5000};

static void
clock_cb (LodgeClock *out_clock)
{
  *out_clock = clock_now;
}

static const LodgeDescription *
now (LodgeMachine *machine)
{
  return lodge_machine_get_description (machine);
}

static void
succeed (LodgeJob *job)
{
  g_assert_no_error (plug_guest_wait (job));
}

static void
take (MachineFixture *f, LodgeMachine *machine, const char *name)
{
  succeed (lodge_library_take_snapshot (f->library, machine, name, ""));
}

static void
forget (MachineFixture *f, LodgeMachine *machine, const char *name)
{
  succeed (lodge_library_delete_snapshot (f->library, machine, name));
}

/* Also what begins by itself. */
static void
settle (MachineFixture *f, LodgeMachine *machine)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  test_wait_until (machine->work == NULL && !lodge_machine_can_merge_layers (machine));
  machine_fixture_wait_jobs (f);
  machine_fixture_assert_tidy (machine);
}

/* As the guest does it. */
static void
ask (LodgeMachine *machine, const char *command)
{
  plug_guest_ask_disk (machine, DATA, command);
}

/* With a second disk, six snapshots, and something else on it after each of them: "n1" to "n6". */
static LodgeMachine *
make (MachineFixture *f)
{
  static const char *const after[N_TAKEN + 1][2] = {
      {"write -P 1 0 16M", "write -P 1 60M 64k"},  {"write -P 2 1M 1M", "write -z 2M 64k"},
      {"write -P 3 1088k 64k", "discard 3M 64k"},  {"write -P 4 2M 4k", "write -z -u 4M 1M"},
      {"write -P 5 4160k 4k", "write -P 5 8M 1M"}, {"write -P 6 9M 64k", "write -P 6 1M 4k"},
      {"write -P 7 10M 64k", "write -P 7 0 4k"},
  };
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  succeed (lodge_library_add_disk (f->library, machine, 64 * MIB, "virtio", NULL));
  for (guint i = 0; i <= N_TAKEN; i++) {
    g_autofree char *name = g_strdup_printf ("n%u", i + 1);

    for (guint k = 0; k < 2; k++)
      ask (machine, after[i][k]);
    if (i < N_TAKEN)
      take (f, machine, name);
  }
  return machine;
}

static void
assert_first (LodgeMachine *machine)
{
  ask (machine, "read -P 1 0 16M");
  ask (machine, "read -P 1 60M 64k");
}

/* What was read before the last snapshot, and since. */
static void
assert_last (LodgeMachine *machine, gboolean since)
{
  ask (machine, since ? "read -P 7 0 4k" : "read -P 1 0 4k");
  ask (machine, since ? "read -P 7 10M 64k" : "read -P 1 10M 64k");
  ask (machine, "read -P 1 4k 1020k");
  ask (machine, "read -P 6 1M 4k");
  ask (machine, "read -P 2 1028k 60k");
  ask (machine, "read -P 3 1088k 64k");
  ask (machine, "read -P 2 1152k 896k");
  ask (machine, "read -P 4 2M 4k");
  ask (machine, "read -P 0 2052k 60k");
  ask (machine, "read -P 1 2112k 960k");
  ask (machine, "read -P 0 3M 64k");
  ask (machine, "read -P 1 3136k 960k");
  ask (machine, "read -P 0 4M 64k");
  ask (machine, "read -P 5 4160k 4k");
  ask (machine, "read -P 0 4164k 956k");
  ask (machine, "read -P 1 5M 3M");
  ask (machine, "read -P 5 8M 1M");
  ask (machine, "read -P 6 9M 64k");
  ask (machine, "read -P 1 60M 64k");
}

static guint
count_layers (LodgeMachine *machine, const char *disk)
{
  const LodgeDescription *value = now (machine);
  guint n = 0;

  for (guint i = 0; i < value->layers->len; i++)
    n += g_str_has_prefix (((const LodgeLayer *) value->layers->pdata[i])->id, disk) ? 1 : 0;
  return n;
}

/* Each layer of the disk that there has ever been is a node exactly when machine.ini names it. */
static void
assert_nodes (LodgeMachine *machine)
{
  for (guint i = 0; i < 20; i++) {
    g_autofree char *id = g_strdup_printf (DATA "-l%u", i);
    g_autofree char *file = g_strconcat (id, "-file", NULL);
    const gboolean named = lodge_description_get_layer (now (machine), id) != NULL;

    g_assert_cmpint (plug_guest_has_node (machine, id), ==, named);
    g_assert_cmpint (plug_guest_has_node (machine, file), ==, named);
  }
}

static void
count_states_cb (LodgeMachine *machine, guint *n)
{
  if (lodge_machine_get_state (machine) != LODGE_STATE_RUNNING)
    (*n)++;
}

static void
go_back (MachineFixture *f, LodgeMachine *machine, const char *name)
{
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  succeed (lodge_library_go_back (f->library, machine, name, FALSE, NULL));
  settle (f, machine);
  if (lodge_machine_get_state (machine) != LODGE_STATE_RUNNING)
    machine_fixture_start (machine);
}

/* When nothing is to be merged any more there are so many, and what is read is the same. */
static void
expect_layers (MachineFixture *f, LodgeMachine *machine, guint n)
{
  settle (f, machine);
  g_assert_cmpuint (count_layers (machine, DATA), ==, n);
  assert_nodes (machine);
  assert_last (machine, TRUE);
}

static void
test_merged (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);
  guint n_stood = 0, n_fds;

  g_assert_cmpuint (count_layers (machine, DATA), ==, N_TAKEN + 1);
  n_fds = plug_guest_count_fds (machine);
  g_signal_connect (machine, "changed", G_CALLBACK (count_states_cb), &n_stood);
  forget (f, machine, "n2");
  forget (f, machine, "n3");
  settle (f, machine);
  g_assert_cmpuint (count_layers (machine, DATA), ==, N_TAKEN + 1);
  forget (f, machine, "n4");
  settle (f, machine);
  /* The first one, the joined one, and those of n5, n6 and the present. */
  g_assert_cmpuint (count_layers (machine, DATA), ==, 5);
  assert_nodes (machine);
  /* Of both disks one instead of three. */
  g_assert_cmpuint (plug_guest_count_fds (machine), ==, n_fds - 4);
  assert_last (machine, TRUE);
  /* What is there is written to as before, and frozen as before. */
  ask (machine, "write -P 8 11M 64k");
  take (f, machine, "n7");
  ask (machine, "write -P 9 11M 64k");
  forget (f, machine, "n5");
  forget (f, machine, "n6");
  expect_layers (f, machine, 4);
  ask (machine, "read -P 9 11M 64k");
  g_assert_cmpuint (n_stood, ==, 0);
  g_signal_handlers_disconnect_by_data (machine, &n_stood);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');

  go_back (f, machine, "n7");
  assert_last (machine, TRUE);
  ask (machine, "read -P 8 11M 64k");
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  go_back (f, machine, "n1");
  assert_first (machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  settle (f, machine);
}

/* One that stands still is left standing. */
static void
test_paused (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);

  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  forget (f, machine, "n2");
  forget (f, machine, "n3");
  forget (f, machine, "n4");
  settle (f, machine);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_PAUSED);
  g_assert_cmpuint (count_layers (machine, DATA), ==, 5);
  assert_nodes (machine);
  assert_last (machine, TRUE);
  /* After this QEMU has its disks no more, until the guest goes on. */
  take (f, machine, "n7");
  forget (f, machine, "n5");
  forget (f, machine, "n6");
  settle (f, machine);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_PAUSED);
  g_assert_cmpuint (count_layers (machine, DATA), ==, 6);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  expect_layers (f, machine, 4);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

/* How often something was begun. */
static guint n_journals;

static void
step_cb (const char *step)
{
  if (g_str_equal (step, "journal"))
    n_journals++;
}

/* The job that merges, while it does. */
static LodgeJob *
find_merge (MachineFixture *f)
{
  GPtrArray *jobs = lodge_library_get_jobs (f->library);

  for (guint i = 0; i < jobs->len; i++) {
    if (g_str_equal (lodge_job_get_kind (jobs->pdata[i]), "snapshot-merge") &&
        lodge_job_get_state (jobs->pdata[i]) == LODGE_JOB_RUNNING)
      return jobs->pdata[i];
  }
  return NULL;
}

/* Until it writes. */
static LodgeJob *
begin_merge (MachineFixture *f, LodgeMachine *machine)
{
  forget (f, machine, "n2");
  forget (f, machine, "n3");
  forget (f, machine, "n4");
  n_journals = 0;
  lodge_journal_step_hook = step_cb;
  test_wait_until (find_merge (f) != NULL && n_journals > 0);
  lodge_journal_step_hook = NULL;
  return find_merge (f);
}

/* Whoever stops it has the old chain, until there is something new to merge. */
static void
test_cancel (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);
  LodgeJob *job = begin_merge (f, machine);

  lodge_job_cancel (job);
  g_assert_error (plug_guest_wait (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
  expect_layers (f, machine, N_TAKEN + 1);
  forget (f, machine, "n5");
  expect_layers (f, machine, 4);
}

/* What somebody wants comes first, and then it begins anew. */
static void
test_gives_way (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);

  (void) begin_merge (f, machine);
  take (f, machine, "n7");
  expect_layers (f, machine, 6);
}

/* Who suspends it does not wait for that, and finds all as it was. */
static void
test_suspend (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);

  (void) begin_merge (f, machine);
  succeed (lodge_library_suspend (f->library, machine));
  g_assert_cmpint (machine->state, ==, LODGE_STATE_SUSPENDED);
  settle (f, machine);
  g_assert_cmpuint (count_layers (machine, DATA), ==, N_TAKEN + 1);
  machine_fixture_start (machine);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  assert_last (machine, TRUE);
  expect_layers (f, machine, 5);
}

/* What a clone has, too, becomes one only where there is much of it, and the clone has all of its
 * own then. */
static void
test_shared (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed ("{'linked': <true>}"));
  LodgeMachine *clone;

  succeed (lodge_library_clone_machine (f->library, machine, "clone", options, NULL));
  clone = lodge_library_find (f->library, "clone", NULL);
  lodge_machine_long_chain = N_TAKEN + 2;
  for (guint i = 2; i <= N_TAKEN; i++) {
    g_autofree char *name = g_strdup_printf ("n%u", i);

    forget (f, machine, name);
  }
  /* All of them, and that which was frozen for the clone. */
  expect_layers (f, machine, N_TAKEN + 2);

  lodge_machine_long_chain = N_TAKEN + 1;
  lodge_library_consider_merging (f->library, machine);
  settle (f, machine);
  /* The first, the new one, and the top. */
  expect_layers (f, machine, 3);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  machine_fixture_assert_tidy (machine);

  lodge_machine_long_chain = LODGE_MACHINE_LONG_CHAIN;
  /* What only the clone has since was merged there: all but the first. */
  settle (f, clone);
  machine_fixture_start (clone);
  expect_layers (f, clone, 2);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  settle (f, machine);
  succeed (lodge_library_delete_machine (f->library, machine, NULL));
  expect_layers (f, clone, 2);
}

/* It becomes one when there is no QEMU any more. */
static void
test_ended (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);
  LodgeJob *job = begin_merge (f, machine);

  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  succeed (job);
  settle (f, machine);
  g_assert_cmpuint (count_layers (machine, DATA), ==, 4);
  machine_fixture_start (machine);
  assert_last (machine, TRUE);
}

/* A disk that is taken out and put in again, and one that grows, have the new chain. */
static void
test_disks (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);

  forget (f, machine, "n2");
  forget (f, machine, "n3");
  forget (f, machine, "n4");
  settle (f, machine);
  succeed (lodge_library_grow_disk (f->library, machine, DATA, 80 * MIB));
  assert_last (machine, TRUE);
  ask (machine, "write -P 9 70M 1M");
  take (f, machine, "n7");
  forget (f, machine, "n5");
  forget (f, machine, "n6");
  settle (f, machine);
  assert_nodes (machine);
  ask (machine, "read -P 9 70M 1M");
  assert_last (machine, TRUE);
  machine = machine_fixture_change_engine (f, "web");
  settle (f, machine);
  ask (machine, "read -P 9 70M 1M");
  assert_nodes (machine);
}

/* As it comes to be: snapshots by themselves, of which the oldest go. */
static void
test_schedule (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  LodgeLibrarySchedule *schedule = lodge_library_get_schedule (f->library);
  const guint n_hours = 10;

  machine_fixture_set_key (machine, "snapshots.schedule", "hourly");
  machine_fixture_set_key (machine, "snapshots.keep-last", "2");
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  succeed (lodge_library_add_disk (f->library, machine, 64 * MIB, "virtio", NULL));
  for (guint i = 0; i < n_hours; i++) {
    g_autofree char *command = g_strdup_printf ("write -P %u %uM 1M", i + 1, i);

    ask (machine, command);
    clock_now.wall_s += HOUR_S;
    clock_now.elapsed_s += HOUR_S;
    lodge_library_schedule_tick (schedule);
    test_wait_until (!lodge_library_schedule_is_busy (schedule));
    settle (f, machine);
    g_assert_cmpuint (count_layers (machine, DATA), <=, 7);
  }
  g_assert_cmpuint (now (machine)->snapshots->len, ==, 2);
  assert_nodes (machine);
  for (guint i = 0; i < n_hours; i++) {
    g_autofree char *command = g_strdup_printf ("read -P %u %uM 1M", i + 1, i);

    ask (machine, command);
  }
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

/* What begins is a merge, then the snapshot that it gives way to, then a merge again. Both are held
 * at their beginning, as if they had much to do. */
enum {
  FIRST_MERGE,
  SNAPSHOT,
  SECOND_MERGE,
  N_BEGUN,
};
static GMutex gates[N_BEGUN];
static gint n_begun;

static void
hold_cb (const char *step)
{
  gint which;

  if (!g_str_equal (step, "journal"))
    return;
  which = g_atomic_int_add (&n_begun, 1);
  g_main_context_wakeup (NULL);
  if (which >= N_BEGUN)
    return;
  g_mutex_lock (&gates[which]);
  g_mutex_unlock (&gates[which]);
}

static LodgeJob *
wait_held (MachineFixture *f, gint which)
{
  test_wait_until (g_atomic_int_get (&n_begun) > which);
  g_assert_nonnull (find_merge (f));
  return find_merge (f);
}

static void
pass (gint64 seconds)
{
  clock_now.wall_s += seconds;
  clock_now.elapsed_s += seconds;
}

/* Whoever would take one by himself waits for a merge, but not for ever; and that comes to its end
 * before it gives way again. */
static void
test_schedule_waits (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);
  LodgeLibrarySchedule *schedule = lodge_library_get_schedule (f->library);
  LodgeJob *job;
  guint n;

  machine_fixture_set_key (machine, "snapshots.schedule", "hourly");
  lodge_library_schedule_tick (schedule);
  test_wait_until (!lodge_library_schedule_is_busy (schedule));
  forget (f, machine, "n2");
  forget (f, machine, "n3");
  forget (f, machine, "n4");
  n = now (machine)->snapshots->len;
  g_mutex_lock (&gates[FIRST_MERGE]);
  g_mutex_lock (&gates[SECOND_MERGE]);
  n_begun = 0;
  lodge_journal_step_hook = hold_cb;
  job = wait_held (f, FIRST_MERGE);
  pass (HOUR_S);
  lodge_library_schedule_tick (schedule);
  g_assert_false (lodge_library_schedule_is_busy (schedule));
  pass (LODGE_MACHINE_SCHEDULE_PATIENCE_S);
  lodge_library_schedule_tick (schedule);
  g_assert_true (lodge_library_schedule_is_busy (schedule));
  test_wait_until (g_cancellable_is_cancelled (lodge_job_get_cancellable (job)));
  g_mutex_unlock (&gates[FIRST_MERGE]);
  test_wait_until (!lodge_library_schedule_is_busy (schedule));
  g_assert_cmpuint (now (machine)->snapshots->len, ==, n + 1);

  job = wait_held (f, SECOND_MERGE);
  for (guint i = 0; i < 3; i++) {
    pass (HOUR_S);
    lodge_library_schedule_tick (schedule);
    g_assert_false (lodge_library_schedule_is_busy (schedule));
  }
  g_assert_false (g_cancellable_is_cancelled (lodge_job_get_cancellable (job)));
  lodge_journal_step_hook = NULL;
  g_mutex_unlock (&gates[SECOND_MERGE]);
  settle (f, machine);
  g_assert_cmpuint (now (machine)->snapshots->len, ==, n + 1);
  lodge_library_schedule_tick (schedule);
  test_wait_until (!lodge_library_schedule_is_busy (schedule));
  g_assert_cmpuint (now (machine)->snapshots->len, ==, n + 2);
  assert_last (machine, TRUE);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  lodge_machine_least_joined = 3;
  lodge_clock_hook = clock_cb;
  MACHINE_FIXTURE_ADD ("layers/merged", test_merged);
  MACHINE_FIXTURE_ADD ("layers/paused", test_paused);
  MACHINE_FIXTURE_ADD ("layers/cancel", test_cancel);
  MACHINE_FIXTURE_ADD ("layers/gives-way", test_gives_way);
  MACHINE_FIXTURE_ADD ("layers/suspend", test_suspend);
  MACHINE_FIXTURE_ADD ("layers/shared", test_shared);
  MACHINE_FIXTURE_ADD ("layers/ended", test_ended);
  MACHINE_FIXTURE_ADD ("layers/disks", test_disks);
  MACHINE_FIXTURE_ADD ("layers/schedule", test_schedule);
  MACHINE_FIXTURE_ADD ("layers/schedule-waits", test_schedule_waits);
  return g_test_run ();
}
