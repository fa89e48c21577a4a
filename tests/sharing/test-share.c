/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program lodge-share with a guest that asks, one that tries to get out of the folder, and one
 * that does not keep to the rules. No walls here: what must not happen does not happen without. */
#include "lodge-config.h"
#include "share-guest.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  ShareGuest guest;
  GSubprocess *process;
} Fixture;

static void
start (Fixture *self, gboolean writable)
{
  int ends[2];

  share_guest_set_up (&self->guest);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  /* A GLib critical is a defect of what is asked here, not of the guest. */
  self->process = share_guest_spawn (&self->guest, ends[1], writable, "fatal-criticals", NULL);
  self->guest.wire = ends[0];
}

/* It is there until now, and goes with the wire. */
static void
stop (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  shutdown (self->guest.wire, SHUT_WR);
  g_subprocess_wait (self->process, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (self->process));
  g_assert_cmpint (g_subprocess_get_exit_status (self->process), ==, 0);
  g_clear_object (&self->process);
  share_guest_tear_down (&self->guest);
}

static void
assert_works (Fixture *self)
{
  g_autofree char *text = NULL;

  g_assert_cmpuint (share_guest_ask (&self->guest, "GET", "/a.txt", NULL, NULL, &text), ==, 200);
  g_assert_cmpstr (text, ==, "alpha");
}

static void
test_read (void)
{
  g_autofree char *list = NULL;
  g_autofree char *deep = NULL;
  Fixture self;

  start (&self, FALSE);
  g_assert_cmpuint (share_guest_ask (&self.guest, "PROPFIND", "/", "Depth: 1\r\n", NULL, &list), ==,
                    207);
  g_assert_nonnull (strstr (list, "/a.txt<"));
  g_assert_nonnull (strstr (list, "/sub"));
  assert_works (&self);
  g_assert_cmpuint (share_guest_ask (&self.guest, "GET", "/sub/b.txt", NULL, NULL, &deep), ==, 200);
  g_assert_cmpstr (deep, ==, "beta");
  g_assert_cmpuint (share_guest_ask (&self.guest, "GET", "/none", NULL, NULL, NULL), ==, 404);
  g_assert_cmpuint (share_guest_ask (&self.guest, "OPTIONS", "/", NULL, NULL, NULL), ==, 200);
  stop (&self);
}

/* Larger than every buffer on the way, and than a frame. */
static void
test_large (void)
{
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  GString *large = g_string_new (NULL);
  Fixture self;

  for (guint i = 0; i < 400000; i++)
    g_string_append_printf (large, "%07u\n", i);
  start (&self, FALSE);
  path = g_build_filename (self.guest.folder, "large", NULL);
  g_assert_true (g_file_set_contents (path, large->str, (gssize) large->len, NULL));
  g_assert_cmpuint (share_guest_ask (&self.guest, "GET", "/large", NULL, NULL, &text), ==, 200);
  g_assert_true (g_str_equal (text, large->str));
  g_string_free (large, TRUE);
  stop (&self);
}

static const char *const changes[][4] = {
    {"PUT", "/new.txt", NULL, "new"},
    {"PUT", "/a.txt", NULL, "new"},
    {"MKCOL", "/folder", NULL, NULL},
    {"DELETE", "/a.txt", NULL, NULL},
    {"DELETE", "/sub", NULL, NULL},
    {"MOVE", "/a.txt", "Destination: http://localhost/moved.txt\r\n", NULL},
    {"COPY", "/a.txt", "Destination: http://localhost/copied.txt\r\n", NULL},
};

static void
test_read_only (void)
{
  g_autofree char *text = NULL;
  Fixture self;

  start (&self, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    g_assert_cmpuint (share_guest_ask (&self.guest, changes[i][0], changes[i][1], changes[i][2],
                                       changes[i][3], NULL),
                      ==, 403);
  text = share_guest_read_file (&self.guest, "share/a.txt");
  g_assert_cmpstr (text, ==, "alpha");
  for (guint i = 0; i < 4; i++) {
    const char *const names[] = {"share/new.txt", "share/folder", "share/moved.txt",
                                 "share/copied.txt"};
    g_autofree char *path = g_build_filename (self.guest.top, names[i], NULL);

    g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  }
  assert_works (&self);
  stop (&self);
}

static void
test_write (void)
{
  g_autofree char *made = NULL;
  g_autofree char *changed = NULL;
  g_autofree char *copied = NULL;
  g_autofree char *moved = NULL;
  g_autofree char *gone = NULL;
  g_autofree char *large = g_strnfill (3000000, 'x');
  g_autofree char *written = NULL;
  Fixture self;

  start (&self, TRUE);
  g_assert_cmpuint (share_guest_ask (&self.guest, "PUT", "/new.txt", NULL, "new", NULL), ==, 201);
  made = share_guest_read_file (&self.guest, "share/new.txt");
  g_assert_cmpstr (made, ==, "new");
  g_assert_cmpuint (share_guest_ask (&self.guest, "PUT", "/new.txt", NULL, "changed", NULL), ==,
                    200);
  changed = share_guest_read_file (&self.guest, "share/new.txt");
  g_assert_cmpstr (changed, ==, "changed");
  g_assert_cmpuint (share_guest_ask (&self.guest, "MKCOL", "/folder", NULL, NULL, NULL), ==, 201);
  g_assert_cmpuint (share_guest_ask (&self.guest, "COPY", "/a.txt",
                                     "Destination: http://localhost:9843/folder/c.txt\r\n", NULL,
                                     NULL),
                    ==, 201);
  copied = share_guest_read_file (&self.guest, "share/folder/c.txt");
  g_assert_cmpstr (copied, ==, "alpha");
  g_assert_cmpuint (share_guest_ask (&self.guest, "MOVE", "/folder/c.txt",
                                     "Destination: http://localhost:9843/with%20space.txt\r\n",
                                     NULL, NULL),
                    ==, 201);
  moved = share_guest_read_file (&self.guest, "share/with space.txt");
  g_assert_cmpstr (moved, ==, "alpha");
  g_assert_cmpuint (share_guest_ask (&self.guest, "DELETE", "/a.txt", NULL, NULL, NULL), ==, 204);
  gone = share_guest_read_file (&self.guest, "share/a.txt");
  g_assert_null (gone);
  g_assert_cmpuint (share_guest_ask (&self.guest, "PUT", "/large", NULL, large, NULL), ==, 201);
  written = share_guest_read_file (&self.guest, "share/large");
  g_assert_true (g_str_equal (written, large));
  stop (&self);
}

/* By names. Without the gate libphodav 3.0 makes the first two outside of the folder. */
static void
test_escape_by_name (void)
{
  static const char *const destinations[] = {
      "http://x/..%2fevil.txt",
      "http://x/sub%2f..%2f..%2fevil.txt",
      "http://x/none%2f..%2f..%2fevil.txt",
      "http://x/../evil.txt",
      "http://x/sub/../../evil.txt",
      "http://x/%2e%2e/evil.txt",
      "http://x/%2e%2e%2fevil.txt",
      "http://x//tmp/lodge-evil.txt",
      "http://x/%2ftmp%2flodge-evil.txt",
      "http://x/sub/%2e%2e/%2e%2e/outside/evil.txt",
      "/../evil.txt",
      "..%2fevil.txt",
      "http://x/a%00b",
      "http://x/%cf.txt",
      "http://x/%zz",
      "http://",
      "",
  };
  static const char *const paths[] = {
      "/../outside/secret.txt",
      "/..%2foutside/secret.txt",
      "/%2e%2e/outside/secret.txt",
      "/sub/../../outside/secret.txt",
      "//etc/passwd",
      "/%2fetc%2fpasswd",
      "/..",
      "/sub%2f..%2f..%2foutside%2fsecret.txt",
  };
  static const char *const methods[] = {"GET", "PROPFIND", "PUT", "DELETE", "MKCOL", "LOCK"};
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *secret = NULL;
  Fixture self;

  start (&self, TRUE);
  before = share_guest_list_outside (&self.guest);
  for (guint i = 0; i < G_N_ELEMENTS (destinations); i++)
    for (guint move = 0; move < 2; move++) {
      g_autofree char *header = g_strdup_printf ("Destination: %s\r\n", destinations[i]);
      g_autofree char *text = NULL;
      guint status =
          share_guest_ask (&self.guest, move ? "MOVE" : "COPY", "/a.txt", header, NULL, NULL);

      /* "/../x" is "/x" to a URI (RFC 3986, 5.2.4), which is in the folder. */
      g_assert_true (status == 400 || status == 403 || status == 409 || status == 201 ||
                     status == 204);
      text = share_guest_read_file (&self.guest, "share/a.txt");
      if (text == NULL)
        g_assert_cmpuint (share_guest_ask (&self.guest, "PUT", "/a.txt", NULL, "alpha", NULL), ==,
                          201);
    }
  g_assert_cmpuint (share_guest_ask (&self.guest, "COPY", "/a.txt", NULL, NULL, NULL), ==, 400);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    for (guint j = 0; j < G_N_ELEMENTS (methods); j++) {
      g_autofree char *text = NULL;
      gboolean put = g_str_equal (methods[j], "PUT");

      /* To a URI "/.." is "/". */
      share_guest_ask (&self.guest, methods[j], paths[i], "Depth: 0\r\n", put ? "evil" : NULL,
                       &text);
      g_assert_null (strstr (text, "secret<"));
      g_assert_false (g_str_has_prefix (text, "secret"));
    }
  after = share_guest_list_outside (&self.guest);
  g_assert_cmpstr (after, ==, before);
  secret = share_guest_read_file (&self.guest, "outside/secret.txt");
  g_assert_cmpstr (secret, ==, "secret");
  g_assert_false (g_file_test ("/tmp/lodge-evil.txt", G_FILE_TEST_EXISTS));
  assert_works (&self);
  stop (&self);
}

/* By links, which somebody on this computer has made. */
static void
test_escape_by_link (void)
{
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *secret = NULL;
  g_autofree char *inside = NULL;
  Fixture self;

  start (&self, TRUE);
  {
    g_autofree char *file = g_build_filename (self.guest.folder, "file", NULL);
    g_autofree char *folder = g_build_filename (self.guest.folder, "folder", NULL);
    g_autofree char *system = g_build_filename (self.guest.folder, "system", NULL);
    g_autofree char *own = g_build_filename (self.guest.folder, "own", NULL);

    g_assert_cmpint (symlink ("../outside/secret.txt", file), ==, 0);
    g_assert_cmpint (symlink (self.guest.outside, folder), ==, 0);
    g_assert_cmpint (symlink ("/proc/self/environ", system), ==, 0);
    g_assert_cmpint (symlink ("sub/b.txt", own), ==, 0);
  }
  before = share_guest_list_outside (&self.guest);
  {
    static const char *const requests[][4] = {
        {"GET", "/file", NULL, NULL},
        {"GET", "/folder/secret.txt", NULL, NULL},
        {"GET", "/folder/", NULL, NULL},
        {"GET", "/system", NULL, NULL},
        {"PROPFIND", "/folder", "Depth: 1\r\n", NULL},
        {"PUT", "/file", NULL, "evil"},
        {"PUT", "/folder/evil.txt", NULL, "evil"},
        {"MKCOL", "/folder/evil", NULL, NULL},
        {"DELETE", "/folder/secret.txt", NULL, NULL},
        {"DELETE", "/folder", NULL, NULL},
        {"COPY", "/a.txt", "Destination: http://x/folder/evil.txt\r\n", NULL},
        {"MOVE", "/a.txt", "Destination: http://x/folder%2fevil.txt\r\n", NULL},
        {"COPY", "/file", "Destination: http://x/read.txt\r\n", NULL},
    };

    for (guint i = 0; i < G_N_ELEMENTS (requests); i++) {
      g_autofree char *text = NULL;

      g_assert_cmpuint (share_guest_ask (&self.guest, requests[i][0], requests[i][1],
                                         requests[i][2], requests[i][3], &text),
                        ==, 403);
      g_assert_null (strstr (text, "secret"));
    }
  }
  after = share_guest_list_outside (&self.guest);
  g_assert_cmpstr (after, ==, before);
  secret = share_guest_read_file (&self.guest, "outside/secret.txt");
  g_assert_cmpstr (secret, ==, "secret");
  /* One that stays in the folder is a file like others. */
  g_assert_cmpuint (share_guest_ask (&self.guest, "GET", "/own", NULL, NULL, &inside), ==, 200);
  g_assert_cmpstr (inside, ==, "beta");
  stop (&self);
}

/* What would not end, or end everything. */
static void
test_traps (void)
{
  static const char *const tops[] = {"", "/", "/%2e", "/.", "/%2e/", "//", "/%2f", "/%2e%2f"};
  g_autofree char *fifo = NULL;
  g_autofree char *large = g_strnfill (400000, 'x');
  Fixture self;

  start (&self, TRUE);
  fifo = g_build_filename (self.guest.folder, "fifo", NULL);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpuint (share_guest_ask (&self.guest, "GET", "/fifo", NULL, NULL, NULL), ==, 403);
  g_assert_cmpuint (share_guest_ask (&self.guest, "DELETE", "/", NULL, NULL, NULL), ==, 403);
  g_assert_cmpuint (share_guest_ask (&self.guest, "PROPPATCH", "/%cf", NULL, "x", NULL), ==, 403);
  g_assert_cmpuint (share_guest_ask (&self.guest, "COPY", "/sub",
                                     "Destination: http://x/sub/deeper\r\n", NULL, NULL),
                    ==, 403);
  g_assert_cmpuint (
      share_guest_ask (&self.guest, "COPY", "/", "Destination: http://x/all\r\n", NULL, NULL), ==,
      403);
  /* libphodav would remove all that is there first. */
  for (guint i = 0; i < G_N_ELEMENTS (tops); i++) {
    g_autofree char *header = g_strdup_printf ("Destination: http://x%s\r\n", tops[i]);

    g_assert_cmpuint (share_guest_ask (&self.guest, "COPY", "/a.txt", header, NULL, NULL), ==, 403);
    g_assert_cmpuint (share_guest_ask (&self.guest, "MOVE", "/a.txt", header, NULL, NULL), ==, 403);
  }
  g_assert_cmpuint (share_guest_ask (&self.guest, "COPY", "/sub/b.txt",
                                     "Destination: http://x/sub\r\n", NULL, NULL),
                    ==, 403);
  g_assert_cmpuint (share_guest_ask (&self.guest, "PROPFIND", "/", "Depth: 1\r\n", large, NULL), ==,
                    413);
  g_assert_cmpuint (share_guest_ask (&self.guest, "PROPFIND", "/",
                                     "Depth: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", NULL,
                                     NULL),
                    ==, 411);
  g_assert_cmpuint (share_guest_ask (&self.guest, "LOCK", "/a.txt", NULL, NULL, NULL), ==, 400);
  g_assert_cmpuint (share_guest_ask (&self.guest, "UNLOCK", "/a.txt", NULL, NULL, NULL), ==, 400);
  g_assert_cmpuint (share_guest_ask (&self.guest, "DANCE", "/", NULL, NULL, NULL), ==, 501);
  assert_works (&self);
  stop (&self);
}

/* Conditions that libphodav 3.0 does not come back from, or falls over; and what it understands. */
static void
test_conditions (void)
{
  static const char *const bad[] = {
      "x",
      "(",
      "()",
      "(<a>",
      "(<a>) x",
      "<http://x/a.txt>",
      "<a> (<b>)",
      "(Not)",
      "(<a>)(",
      "[\"a\"]",
      "([a])",
      "([W/\"a\"])",
      "([\"a\\\"])",
      "(<>)",
      "<http://x> (<a>)",
      "<http://x:99999/> (<a>)",
      "<http://x//etc> (<a>)",
      "<http://x/%zz> (<a>)",
  };
  static const char *const good[] = {
      "(<urn:uuid:1>)",
      "(Not <DAV:no-lock>)",
      "(<urn:uuid:1> [\"1:2\"]) (Not <urn:uuid:2>)",
      "<http://localhost:9843/a%20b.txt> (<urn:uuid:1>)",
  };
  Fixture self;

  start (&self, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree char *header = g_strdup_printf ("If: %s\r\n", bad[i]);

    if (share_guest_ask (&self.guest, "PUT", "/a.txt", header, "evil", NULL) != 400)
      g_error ("taken: %s", bad[i]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autofree char *header = g_strdup_printf ("If: %s\r\n", good[i]);

    if (share_guest_ask (&self.guest, "PUT", "/new.txt", header, "new", NULL) == 400)
      g_error ("not taken: %s", good[i]);
  }
  g_assert_cmpuint (
      share_guest_ask (&self.guest, "UNLOCK", "/a.txt", "Lock-Token: x\r\n", NULL, NULL), ==, 400);
  assert_works (&self);
  stop (&self);
}

/* Ten thousand connections: some are served, others are told that they have ended, and when the
 * guest gives some up there is room again. */
static void
test_many_clients (void)
{
  static const char half[] = "GET /a.txt HTTP/1.1\r\nHost: x\r\n";
  g_autoptr (GByteArray) data = g_byte_array_new ();
  gint64 id;
  Fixture self;

  start (&self, FALSE);
  for (gint64 i = 1; i <= 10000; i++) {
    share_guest_send (&self.guest, -i, half, strlen (half));
    if (i <= 64)
      continue;
    g_assert_true (share_guest_receive (&self.guest, &id, data));
    g_assert_cmpint (id, ==, -i);
    g_assert_cmpuint (data->len, ==, 0);
  }
  for (gint64 i = 1; i <= 10000; i++)
    share_guest_send (&self.guest, -i, "", 0);
  assert_works (&self);
  stop (&self);
}

/* Lines that are no HTTP, frames of every size, and connections that end in the middle. */
static void
test_garbage (void)
{
  g_autofree guint8 *noise = g_malloc (G_MAXUINT16);
  g_autoptr (GRand) rand = g_rand_new_with_seed (9843);
  Fixture self;

  start (&self, TRUE);
  for (guint i = 0; i < G_MAXUINT16; i++)
    noise[i] = (guint8) g_rand_int (rand);
  for (gint64 i = 1; i <= 200; i++) {
    share_guest_send (&self.guest, i, noise, i % 3 == 0 ? G_MAXUINT16 : (gsize) i);
    if (i % 2 == 0)
      share_guest_send (&self.guest, i, "GET / HTTP/1.1\r\n\r\n", 18);
    share_guest_send (&self.guest, i, "", 0);
    share_guest_send (&self.guest, i, "", 0);
  }
  assert_works (&self);
  stop (&self);
}

/* The wire ends in the middle of a frame. */
static void
test_truncated (void)
{
  static const guint8 frame[] = {1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 'G', 'E', 'T'};

  for (gsize size = 1; size <= sizeof frame; size++) {
    Fixture self;

    start (&self, FALSE);
    share_guest_send_raw (&self.guest, frame, size);
    stop (&self);
  }
}

/* The largest numbers are ids like others, and a connection that is only closed was never there. */
static void
test_ids (void)
{
  static const char question[] = "GET /a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const gint64 ids[] = {G_MAXINT64, G_MININT64, 0, -1};
  Fixture self;

  start (&self, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    g_autoptr (GString) answer = g_string_new (NULL);
    g_autoptr (GByteArray) data = g_byte_array_new ();
    gint64 id;

    share_guest_send (&self.guest, ids[i], "", 0);
    share_guest_send (&self.guest, ids[i], question, strlen (question));
    do {
      g_assert_true (share_guest_receive (&self.guest, &id, data));
      g_assert_cmpint (id, ==, ids[i]);
      g_string_append_len (answer, (const char *) data->data, data->len);
    } while (data->len > 0);
    g_assert_true (g_str_has_suffix (answer->str, "\r\n\r\nalpha"));
  }
  stop (&self);
}

/* A guest that asks and never reads holds up nobody but itself: the program waits, and ends with
 * the wire. */
static void
test_deaf (void)
{
  static const char question[] = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
  g_autofree char *path = NULL;
  g_autofree char *large = g_strnfill (8 * 1024 * 1024, 'x');
  Fixture self;

  start (&self, FALSE);
  path = g_build_filename (self.guest.folder, "large", NULL);
  g_assert_true (g_file_set_contents (path, large, -1, NULL));
  for (gint64 i = 1; i <= 60; i++)
    share_guest_send (&self.guest, i, question, strlen (question));
  close (self.guest.wire);
  self.guest.wire = -1;
  {
    g_autoptr (GError) error = NULL;

    g_subprocess_wait_check (self.process, NULL, &error);
    g_assert_no_error (error);
  }
  g_clear_object (&self.process);
  share_guest_tear_down (&self.guest);
}

/* What the kernel says the program may do. Under AddressSanitizer it has no filter. */
#if !LODGE_ADDRESS_SANITIZER
static void
test_sandbox (void)
{
  for (guint writable = 0; writable < 2; writable++) {
    g_autofree char *path = NULL;
    g_autofree char *status = NULL;
    g_autofree char *limits = NULL;
    g_autofree char *limits_path = NULL;
    g_autofree char *error_path = NULL;
    g_autofree char *error_link = NULL;
    Fixture self;

    start (&self, (gboolean) writable);
    assert_works (&self);
    path = g_strdup_printf ("/proc/%s/status", g_subprocess_get_identifier (self.process));
    g_assert_true (g_file_get_contents (path, &status, NULL, NULL));
    g_assert_nonnull (strstr (status, "Seccomp:\t2\n"));
    g_assert_nonnull (strstr (status, "NoNewPrivs:\t1\n"));
    /* Libraries may write there as often as the guest likes. */
    error_path = g_strdup_printf ("/proc/%s/fd/2", g_subprocess_get_identifier (self.process));
    error_link = g_file_read_link (error_path, NULL);
    g_assert_cmpstr (error_link, ==, "/dev/null");
    limits_path = g_strdup_printf ("/proc/%s/limits", g_subprocess_get_identifier (self.process));
    g_assert_true (g_file_get_contents (limits_path, &limits, NULL, NULL));
    g_assert_nonnull (strstr (limits, "Max core file size        0 "));
    g_assert_nonnull (strstr (limits, "Max open files            512 "));
    g_assert_nonnull (strstr (limits, "Max data size             536870912 "));
    stop (&self);
  }
}
#endif

/* Who writes a program anew does not get the rights that its owner had given to the old one: GLib
 * gives the new file the old one's mode before it writes, and the kernel clears it at the first
 * byte. */
static void
test_privileges (void)
{
  g_autofree char *path = NULL;
  g_autofree char *written = NULL;
  Fixture self;
  GStatBuf info;

  start (&self, TRUE);
  path = g_build_filename (self.guest.folder, "a.txt", NULL);
  g_assert_cmpint (g_chmod (path, 06755), ==, 0);
  g_assert_cmpuint (share_guest_ask (&self.guest, "PUT", "/a.txt", NULL, "another", NULL), ==, 200);
  written = share_guest_read_file (&self.guest, "share/a.txt");
  g_assert_cmpstr (written, ==, "another");
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 07777, ==, 0755);
  stop (&self);
}

/* In the place of virtiofsd: a program that tries every call with a mode. */
static void
test_virtiofsd_privileges (void)
{
  g_autoptr (GError) error = NULL;
  ShareGuest guest;
  GSubprocess *process;
  int ends[2];

  share_guest_set_up (&guest);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  guest.wire = ends[0];
  process = share_guest_spawn (&guest, ends[1], TRUE, "fatal-criticals", TRY_MODES);
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
  g_assert_no_error (error);
  g_object_unref (process);
  share_guest_tear_down (&guest);
}

static void
test_usage (void)
{
  static const char *const rows[][5] = {
      {"--wire=0", "--lock=1", "--folder=/tmp", "--identity=1:1", NULL},
      {"--wire=900", "--lock=901", "--folder=/tmp", "--identity=1:1", NULL},
      {"--folder=tmp", NULL, NULL, NULL, NULL},
      {"--dance", NULL, NULL, NULL, NULL},
  };
  g_autofree char *program = g_build_filename (g_getenv ("LODGE_LIBEXECDIR"), "lodge-share", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GSubprocess) process = NULL;
    g_autoptr (GError) error = NULL;
    g_autofree char *words = NULL;

    process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_PIPE, &error, program, rows[i][0],
                                rows[i][1], rows[i][2], rows[i][3], NULL);
    g_assert_no_error (error);
    g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &words, &error);
    g_assert_no_error (error);
    g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 2);
    g_assert_cmpint (strlen (words), >, 10);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sharing/share/read", test_read);
  g_test_add_func ("/sharing/share/large", test_large);
  g_test_add_func ("/sharing/share/read-only", test_read_only);
  g_test_add_func ("/sharing/share/write", test_write);
  g_test_add_func ("/sharing/share/escape-by-name", test_escape_by_name);
  g_test_add_func ("/sharing/share/escape-by-link", test_escape_by_link);
  g_test_add_func ("/sharing/share/traps", test_traps);
  g_test_add_func ("/sharing/share/conditions", test_conditions);
  g_test_add_func ("/sharing/share/many-clients", test_many_clients);
  g_test_add_func ("/sharing/share/garbage", test_garbage);
  g_test_add_func ("/sharing/share/truncated", test_truncated);
  g_test_add_func ("/sharing/share/ids", test_ids);
  g_test_add_func ("/sharing/share/deaf", test_deaf);
#if !LODGE_ADDRESS_SANITIZER
  g_test_add_func ("/sharing/share/sandbox", test_sandbox);
#endif
  g_test_add_func ("/sharing/share/privileges", test_privileges);
  g_test_add_func ("/sharing/share/virtiofsd-privileges", test_virtiofsd_privileges);
  g_test_add_func ("/sharing/share/usage", test_usage);
  return g_test_run ();
}
