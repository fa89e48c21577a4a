/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A fake engine to run `lodge` against by hand:
 *
 *   export LODGE_RUNTIME_DIR=$(mktemp -d)
 *   build/tests/app/demo-engine 30 & build/app/lodge
 *
 * With LODGE_DEMO_HOLD set, creating a machine stops half way until it is cancelled. With
 * LODGE_DEMO_SPICE, the path of a SPICE server's socket, the first machine has that screen.
 * With LODGE_DEMO_SNAPSHOTS the third machine has so many more snapshots, with odd names.
 * Serves the given number of machines (some running, one crashed, some with odd names) until it is
 * killed or a client calls Quit.
 */
#include "fake-engine.h"
#include "lodge-paths.h"

#include <stdlib.h>

typedef struct {
  const char *name;
  const char *state;
  const char *note;
  guint32 colour; /* of its picture; 0 none */
} DemoRow;

static const DemoRow rows[] = {
    {"Debian 12", "running", "", 0x1a5fb4},
    {"Windows 11", "paused", "", 0x613583},
    {"build server for the nightly packages of all three architectures", "off", "", 0x26a269},
    {"web & <b>database</b>", "crashed",
     "QEMU ended by itself: qemu-system-x86_64: <disk> & no space left on device.", 0xc01c28},
    {"مكتب البيت", "starting", "", 0},
    {"FreeBSD 14", "stopping", "", 0x77767b},
    {"e\u0301\u0323\u0300\u0308 combining \u202eright to left\u202c, and then a name with a great "
     "many "
     "more characters than fit into one card, or a menu, or a question",
     "suspending", "", 0},
    {"written away", "suspended", "", 0x3584e4},
    {"5c2f3a52-5f6a-4c7e-9f6b-0e2f1c8f7a10", "off",
     "The file <machine.ini> in /home/someone/.local/share/lodge/machines/5c2f3a52 could not be "
     "read: line 12: “memory = <b>lots</b>” is not a size & there is more to say about this line "
     "than two lines of a card hold.",
     0},
    {"a state of tomorrow", "hibernating", "", 0},
};

static GVariant *
make_findings (void)
{
  return g_variant_new_parsed (
      "[('accelerator', 'problem', 'Guests run in software emulation, many times slower: the KVM "
      "device of this computer is only emulated & slow.', 'Ask whoever runs this computer for "
      "nested virtualization.'),"
      " ('qemu', 'good', 'QEMU 7.2.22 is installed.', ''),"
      " ('nesting', 'note', 'Guests cannot be hypervisors themselves.', 'Load the module with "
      "nesting: `sudo modprobe -r kvm_intel && sudo modprobe kvm_intel nested=1`'),"
      " ('sandbox', 'warning', 'Unprivileged <user namespaces> are switched off.', "
      "'Allow them: `sudo sysctl kernel.unprivileged_userns_clone=1`')]");
}

/* Deep branches, and names that are long, from right to left, or of what does not break. */
static void
add_snapshots (FakeEngine *engine, const char *machine, guint n)
{
  g_autofree char *wide = g_strnfill (200, 'W');
  const char *const names[] = {
      "after the update",
      "لقطة قبل التحديث الكبير للخادم",
      "a name that is very long and goes on for a great many words, so that "
      "it cannot fit into the window whatever its size is, and then some "
      "more words at its end, up to two hundred characters in all.",
      wide,
      "\u202emixed \u202d أبجد 123 abc",
      "x"};

  for (guint i = 0; i < n; i++) {
    g_autofree char *id = g_strdup_printf ("d%u", i);
    g_autofree char *parent =
        i == 0 ? g_strdup ("s2") : g_strdup_printf ("d%u", i % 3 == 0 ? i / 2 : i - 1);

    fake_engine_add_snapshot (engine, machine, id, names[i % G_N_ELEMENTS (names)], parent, FALSE);
  }
}

int
main (int argc, char **argv)
{
  g_autofree char *runtime = lodge_paths_ensure_runtime (NULL);
  g_autofree char *socket = lodge_paths_dup_engine_socket ();
  g_autoptr (FakeEngine) engine = NULL;
  const guint n_machines = argc > 1 ? (guint) atoi (argv[1]) : G_N_ELEMENTS (rows);

  g_assert_nonnull (runtime);
  engine = fake_engine_new (socket);
  fake_engine_set_host (engine, make_findings (), NULL);
  fake_engine_set_hold_jobs (engine, g_getenv ("LODGE_DEMO_HOLD") != NULL);
  for (guint i = 0; i < n_machines && i < G_N_ELEMENTS (rows); i++) {
    const char *uuid = fake_engine_add_machine (engine, rows[i].name, rows[i].state);

    fake_engine_set_note (engine, uuid, rows[i].note);
    if (i == 2 && g_getenv ("LODGE_DEMO_SNAPSHOTS") != NULL)
      add_snapshots (engine, uuid, (guint) atoi (g_getenv ("LODGE_DEMO_SNAPSHOTS")));
    if (i == 0 && g_getenv ("LODGE_DEMO_SPICE") != NULL)
      fake_engine_set_spice_socket (engine, uuid, g_getenv ("LODGE_DEMO_SPICE"));
    if (rows[i].colour != 0) {
      g_autoptr (GBytes) picture = fake_engine_make_picture (320, 200, rows[i].colour);
      fake_engine_set_picture (engine, uuid, picture);
    }
  }
  if (n_machines > G_N_ELEMENTS (rows))
    fake_engine_add_many (engine, n_machines - G_N_ELEMENTS (rows));

  while (!fake_engine_get_quit (engine))
    g_usleep (100 * 1000);
  return 0;
}
