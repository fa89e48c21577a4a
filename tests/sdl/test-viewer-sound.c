/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A foreign server's sound, in a viewer that has shut itself off before there was any. */
#include "viewer-fixture.h"

#include "pulse-server.h"
#include "spice-fixture-sound.h"
#include "test-wait.h"

#include <signal.h>

#define RATE_HZ 48000
#define SAMPLE  0x40004000u /* both channels at half of what is possible */

/* Gives the server what it has room for. */
static void
play (SpiceFixtureSound *card)
{
  guint32 chunk[SPICE_FIXTURE_SOUND_CHUNK];

  for (guint i = 0; i < G_N_ELEMENTS (chunk); i++)
    chunk[i] = SAMPLE;
  while (spice_fixture_sound_play (card, chunk))
    ;
}

static gboolean
has_sample (GByteArray *heard)
{
  const guint32 *samples = (const guint32 *) (gpointer) heard->data;

  for (guint i = 0; i < heard->len / sizeof *samples; i++) {
    if (samples[i] == SAMPLE)
      return TRUE;
  }
  return FALSE;
}

static guint
count_streams (PulseServer *pulse)
{
  g_autoptr (GPtrArray) streams = pulse_server_list_playback (pulse);

  return streams->len;
}

static void
try_sound (gboolean host)
{
  const pa_sample_spec stereo = {.format = PA_SAMPLE_S16LE, .channels = 2, .rate = RATE_HZ};
  PulseServer *pulse = pulse_server_new ();
  ViewerFixture f;

  pulse_server_load (pulse, "module-null-sink", "sink_name=out format=s16le channels=2 rate=48000");
  viewer_fixture_set_up (&f, !host);
  g_autofree char *uri = g_strdup_printf ("spice+unix://%s", f.socket);
  if (host) {
    const guint16 port = spice_fixture_find_port ();

    f.server = spice_fixture_new_on_port (port, NULL, 320, 240);
    g_free (uri);
    uri = g_strdup_printf ("spice://localhost:%d", port);
  }
  SpiceFixtureSound *card = spice_fixture_sound_new (f.server);
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  g_autofree char *words = g_strdup_printf ("--connect %s", uri);
  viewer_fixture_start (&f, -1, words);
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  test_wait_polled (viewer_fixture_has_status (&f, "\nSeccomp_filters:\t2\n"));
  /* Silent, it has no stream, although it is connected. */
  g_assert_cmpuint (count_streams (pulse), ==, 0);

  GByteArray *heard = pulse_server_listen (pulse, "out.monitor", &stereo);
  spice_fixture_sound_start (card, RATE_HZ);
  test_wait_polled ((play (card), has_sample (heard)));
  g_assert_cmpuint (count_streams (pulse), ==, 1);

  g_subprocess_send_signal (f.viewer, SIGTERM);
  viewer_fixture_expect_end (&f, 0, NULL);
  /* What listens is never quiet. */
  spice_fixture_run_for (500);
  spice_fixture_sound_free (card);
  viewer_fixture_tear_down (&f);
  pulse_server_free (pulse);
}

static void
test_sound (void)
{
  try_sound (FALSE);
}

/* The sound server is at a unix socket, which nothing can be connected to any more by the time that
 * there is sound. */
static void
test_host (void)
{
  try_sound (TRUE);
}

/* Without it nobody is told of any. */
static void
test_no_sound (void)
{
  PulseServer *pulse = pulse_server_new ();
  ViewerFixture f;

  viewer_fixture_set_up (&f, TRUE);
  SpiceFixtureSound *card = spice_fixture_sound_new (f.server);
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  viewer_fixture_start_with_server (&f, "");
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  spice_fixture_sound_start (card, RATE_HZ);
  play (card);
  spice_fixture_settle ();
  g_assert_cmpuint (count_streams (pulse), ==, 0);
  g_subprocess_send_signal (f.viewer, SIGTERM);
  viewer_fixture_expect_end (&f, 0, NULL);
  /* What listens is never quiet. */
  spice_fixture_run_for (500);
  spice_fixture_sound_free (card);
  viewer_fixture_tear_down (&f);
  pulse_server_free (pulse);
}

int
main (int argc, char **argv)
{
  viewer_fixture_init (&argc, &argv);
  viewer_fixture_add ("/viewer-sound/plays", test_sound);
  viewer_fixture_add ("/viewer-sound/host", test_host);
  viewer_fixture_add ("/viewer-sound/none", test_no_sound);
  return g_test_run ();
}
