/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What qemu-img may do, seen through a program in its place, and what happens where a program is
 * missing. */
#include "image-fixture.h"

#include "lodge-error.h"

#include "storage/lodge-qemu-img.h"

#include "test-folder.h"
#include "test-wait.h"
#include "test-walls.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Puts a shell script in qemu-img's place. Only in a process of its own. */
static void
replace_qemu_img (const char *folder, const char *script)
{
  g_autofree char *path = g_build_filename (folder, "qemu-img", NULL);
  g_autofree char *text = g_strconcat ("#!/bin/sh\n", script, "\n", NULL);
  g_autofree char *search = g_strconcat (folder, ":", g_getenv ("PATH"), NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (g_chmod (path, 0755), ==, 0);
  g_setenv ("PATH", search, TRUE);
}

static char *
run_replaced (const char *script, const char *bind, int code)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-fake-XXXXXX", NULL);
  g_autoptr (LodgeQemuImgResult) done = NULL;
  g_autoptr (GError) error = NULL;
  ImageWait wait = {NULL, FALSE};
  LodgeQemuImg *img;

  replace_qemu_img (folder, script);
  img = lodge_qemu_img_new ("qemu-img");
  if (bind != NULL)
    lodge_qemu_img_bind (img, LODGE_COMMAND_BIND_READ_ONLY, bind);
  lodge_qemu_img_limit (img, code == LODGE_ERROR_TIMEOUT ? 2 : TEST_WAIT_S, 8192);
  lodge_qemu_img_limit_cpu (img, 1);
  lodge_qemu_img_set_background (img);
  lodge_qemu_img_run_async (img, NULL, image_fixture_got_cb, &wait);
  done = lodge_qemu_img_run_finish (image_fixture_wait (&wait), &error);
  image_fixture_end_wait (&wait);
  test_folder_remove (folder);
  if (code >= 0) {
    g_assert_error (error, LODGE_ERROR, code);
    return NULL;
  }
  g_assert_no_error (error);
  g_test_message ("%d: %s: %s", done->status, done->output, done->words);
  return g_strdup_printf ("%d|%s|%s", done->status, done->output, done->words);
}

static void
see_nothing (ImageFixture *fixture)
{
  g_autofree char *image = image_fixture_path (fixture, "image");
  g_autofree char *other = image_fixture_path (fixture, "other");
  g_autofree char *script = g_strdup_printf (
      "for f in '%s' '%s' /etc/passwd /root /home; do [ -e \"$f\" ] && echo \"sees $f\"; done\n"
      "[ -r '%s' ] || echo no image\n"
      "(echo x > '%s') 2>/dev/null && echo writes the image\n"
      "[ $(ls /proc | grep -c '^[0-9]*$') -lt 8 ] || echo sees processes\n"
      "grep -q : /proc/net/dev && [ $(grep -c : /proc/net/dev) -gt 1 ] && echo has a network\n"
      "env | grep -q LODGE_SECRET && echo knows the environment\n"
      "echo done",
      fixture->secret, other, image, image);
  g_autofree char *seen = NULL;

  g_setenv ("LODGE_SECRET", "1", TRUE);
  g_assert_true (g_file_set_contents (image, "image", -1, NULL));
  g_assert_true (g_file_set_contents (other, "other", -1, NULL));
  seen = run_replaced (script, image, -1);
  g_assert_cmpstr (seen, ==, "0|done\n|");
}

static void
test_contained (void)
{
  if (!test_walls_are_possible ()) {
    g_test_skip ("bubblewrap cannot make namespaces here");
    return;
  }
  image_fixture_in_child (see_nothing);
}

static void
meet_limits (ImageFixture *fixture)
{
  g_autofree char *loud = NULL;
  g_autofree char *failed = NULL;
  g_autofree char *large = NULL;
  g_autofree char *gentle = NULL;
  g_autofree char *expected = NULL;
  g_autofree char *busy = NULL;
  g_autoptr (LodgeQemuImgResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *memory = NULL;

  run_replaced ("exec sleep 100", NULL, LODGE_ERROR_TIMEOUT);
  failed =
      run_replaced ("echo out; echo 'qemu-img: Could not open '\"'json:{}'\"': bad image' >&2; "
                    "exit 3",
                    NULL, -1);
  g_assert_cmpstr (failed, ==, "3|out\n|bad image");
  /* 8 MiB to each pipe: read to the end, and only the beginning kept. */
  loud = run_replaced ("yes | head -c 8388608; yes | head -c 8388608 >&2", NULL, -1);
  g_assert_cmpuint (strlen (loud), <, IMAGE_FIXTURE_MIB + 400);
  g_assert_cmpuint (strlen (loud), >, IMAGE_FIXTURE_MIB);
  large = run_replaced ("ulimit -f; ulimit -c; ulimit -n; ulimit -v; umask", NULL, -1);
  g_assert_cmpstr (large, ==, "0|16\n0\n256\n2097152\n0077\n|");
  gentle = run_replaced ("nice; ionice", NULL, -1);
  expected = g_strdup_printf ("0|%d\nbest-effort: prio 7\n|",
                              MIN (getpriority (PRIO_PROCESS, 0) + 10, 19));
  g_assert_cmpstr (gentle, ==, expected);
  /* A second of a processor's time, however long that takes. At its end is SIGKILL. */
  busy = run_replaced ("while :; do :; done", NULL, -1);
  g_assert_true (g_str_has_prefix (busy, "137|"));
  result = lodge_qemu_img_result_new (137, "", "");
  lodge_qemu_img_set_error (&error, LODGE_ERROR_INVALID, "/image", NULL, result);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT);
  g_assert_cmpstr (error->message, ==, "/image takes more time or memory than an image should");
  memory = run_replaced ("head -c 100000 /dev/zero > /tmp/large || exit 7", NULL, -1);
  g_assert_true (g_str_has_prefix (memory, "153|") || g_str_has_prefix (memory, "7|"));
}

static void
test_limits (void)
{
  image_fixture_in_child (meet_limits);
}

static GLogWriterOutput
count_messages (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  guint *n = user_data;

  if (level == G_LOG_LEVEL_MESSAGE)
    (*n)++;
  return G_LOG_WRITER_HANDLED;
}

/* Without bubblewrap: a search path on which only qemu-img and qemu-io are. */
static void
work_bare (ImageFixture *fixture)
{
  g_autofree char *tools = g_dir_make_tmp ("lodge-tools-XXXXXX", NULL);
  g_autofree char *img = g_find_program_in_path ("qemu-img");
  g_autofree char *io = g_find_program_in_path ("qemu-io");
  g_autofree char *img_link = g_build_filename (tools, "qemu-img", NULL);
  g_autofree char *io_link = g_build_filename (tools, "qemu-io", NULL);
  g_autofree char *raw = image_fixture_make_raw (fixture);
  g_autofree char *layer = image_fixture_path (fixture, "layer.qcow2");
  g_autofree char *named = g_strconcat ("qcow2:", layer, NULL);
  const char *const layers[] = {named, NULL};
  static guint n_messages = 0;
  g_autoptr (GError) error = NULL;
  g_autofree char *forged = NULL;

  g_log_set_writer_func (count_messages, &n_messages, NULL);
  g_assert_cmpint (symlink (img, img_link), ==, 0);
  g_assert_cmpint (symlink (io, io_link), ==, 0);
  g_setenv ("PATH", tools, TRUE);
  g_assert_true (image_fixture_import (raw, "raw", layer, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (image_fixture_is_bootable (layers, &error));
  g_assert_no_error (error);
  /* Said once. */
  g_assert_cmpuint (n_messages, ==, 1);
  forged = image_fixture_make_forged (fixture, fixture->secret);
  g_assert_null (image_fixture_inspect (forged, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_INVALID, forged);
  test_folder_remove (tools);
}

static void
test_without_bubblewrap (void)
{
  image_fixture_in_child (work_bare);
}

static void
find_nothing (ImageFixture *fixture)
{
  g_autofree char *path = image_fixture_path (fixture, "a.qcow2");
  g_autofree char *raw = image_fixture_make_raw (fixture);
  g_autoptr (GError) error = NULL;

  g_setenv ("PATH", fixture->folder, TRUE);
  g_assert_false (image_fixture_create (path, "qcow2", IMAGE_FIXTURE_MIB, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_HOST, "qemu-utils");
  g_clear_error (&error);
  g_assert_false (image_fixture_import (raw, "raw", path, NULL, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_HOST, "qemu-utils");
  image_fixture_assert_n_files (fixture, 1);
}

static void
test_without_qemu_img (void)
{
  image_fixture_in_child (find_nothing);
}

int
main (int argc, char **argv)
{
  if (!image_fixture_init (&argc, &argv))
    return 0;
  g_test_add_func ("/image/contained", test_contained);
  g_test_add_func ("/image/limits", test_limits);
  g_test_add_func ("/image/without-bubblewrap", test_without_bubblewrap);
  g_test_add_func ("/image/without-qemu-img", test_without_qemu_img);
  return g_test_run ();
}
