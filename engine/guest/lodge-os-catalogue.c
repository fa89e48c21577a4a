/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libosinfo's catalogue of operating systems, loaded once, asked from any thread. */
#include "guest/lodge-os-catalogue.h"

#include "lodge-library-leaks.h"

#include <osinfo/osinfo.h>
#include <string.h>

/* How many releases a catalogue may be behind. */
#define RELATIVES 10
/* A number in an id or a volume's name that can be a version; longer ones are dates and serials. */
#define VERSION_DIGITS 2
/* The version is among the first numbers of a volume's name; each try asks the whole catalogue (4
 * ms). */
#define NUMBERS_TRIED 2

/* libosinfo's lists are filled on first use, so that even asking is writing: one thread at a time.
 */
static GMutex lock;
static OsinfoDb *database; /* NULL until loaded */
static char *test_folder;

void
lodge_os_catalogue_set_folder_for_tests (const char *folder)
{
  g_free (test_folder);
  test_folder = g_strdup (folder);
}

void
lodge_os_free (LodgeOs *self)
{
  g_free (self->os);
  g_free (self->name);
  g_free (self);
}

void
lodge_volume_clear (LodgeVolume *self)
{
  g_clear_pointer (&self->system_id, g_free);
  g_clear_pointer (&self->volume_id, g_free);
  g_clear_pointer (&self->publisher_id, g_free);
  g_clear_pointer (&self->application_id, g_free);
}

static OsinfoDb *
get_database (void)
{
  g_autoptr (OsinfoLoader) loader = NULL;
  g_autoptr (GError) error = NULL;

  if (database != NULL)
    return database;

  loader = osinfo_loader_new ();
  /* libosinfo 1.10 keeps the state of each firmware entry that it reads. */
  lodge_library_leaks_begin ();
  if (test_folder != NULL)
    osinfo_loader_process_path (loader, test_folder, &error);
  else
    osinfo_loader_process_default_path (loader, &error);
  lodge_library_leaks_end ();
  /* What could be read is there all the same; without the package everything is unknown. */
  if (error != NULL)
    g_debug ("The catalogue of operating systems: %s", error->message);
  database = g_object_ref (osinfo_loader_get_db (loader));
  return database;
}

/* The next number in @text that may be a version, from *@position on. */
static gboolean
next_number (const char *text, gsize *position, gsize *out_length, guint *out_number)
{
  for (gsize i = *position; text[i] != '\0';) {
    gsize length = 0;

    while (g_ascii_isdigit (text[i + length]))
      length++;
    if (length >= 1 && length <= VERSION_DIGITS) {
      *position = i;
      *out_length = length;
      *out_number = (guint) g_ascii_strtoull (text + i, NULL, 10);
      return TRUE;
    }
    i += MAX (length, 1);
  }
  return FALSE;
}

/* @text with the number at @position replaced. Transfer full. */
static char *
with_number (const char *text, gsize position, gsize length, guint number)
{
  return g_strdup_printf ("%.*s%u%s", (int) position, text, number, text + position + length);
}

/* @text with its first number that is @from turned into @to; %NULL when it has none. */
static char *
renumber (const char *text, guint from, guint to)
{
  gsize position = 0, length = 0;
  guint number;

  for (; next_number (text, &position, &length, &number); position += length)
    if (number == from)
      return with_number (text, position, length, to);
  return NULL;
}

/* Lent by the database. */
static OsinfoOs *
find_exact (const char *short_id)
{
  g_autoptr (OsinfoOsList) list = osinfo_db_get_os_list (get_database ());

  for (int i = 0; i < osinfo_list_get_length (OSINFO_LIST (list)); i++) {
    OsinfoProduct *product = OSINFO_PRODUCT (osinfo_list_get_nth (OSINFO_LIST (list), i));

    if (g_strcmp0 (osinfo_product_get_short_id (product), short_id) == 0)
      return OSINFO_OS (product);
  }
  return NULL;
}

/* The nearest older release; its name, with the newer number, in @out_name. */
static OsinfoOs *
find_relative (const char *short_id, char **out_name)
{
  gsize position = 0, length = 0;
  guint number;

  for (; next_number (short_id, &position, &length, &number); position += length) {
    for (guint older = number; older > 1 && number - older < RELATIVES;) {
      g_autofree char *id = with_number (short_id, position, length, --older);
      OsinfoOs *os = find_exact (id);

      if (os == NULL)
        continue;
      *out_name = renumber (osinfo_product_get_name (OSINFO_PRODUCT (os)), older, number);
      return os;
    }
  }
  return NULL;
}

/* The entry for x86_64, else the one for all; lent by @list, %NULL without. */
static OsinfoResources *
choose_resources (OsinfoResourcesList *list)
{
  OsinfoResources *chosen = NULL;

  for (int i = 0; i < osinfo_list_get_length (OSINFO_LIST (list)); i++) {
    OsinfoResources *resources = OSINFO_RESOURCES (osinfo_list_get_nth (OSINFO_LIST (list), i));

    if (g_strcmp0 (osinfo_resources_get_architecture (resources), "x86_64") == 0)
      return resources;
    if (chosen == NULL || g_strcmp0 (osinfo_resources_get_architecture (resources), "all") == 0)
      chosen = resources;
  }
  return chosen;
}

static void
read_resources (LodgeOs *self, OsinfoOs *os)
{
  g_autoptr (OsinfoResourcesList) minimum_list = osinfo_os_get_minimum_resources (os);
  g_autoptr (OsinfoResourcesList) recommended_list = osinfo_os_get_recommended_resources (os);
  OsinfoResources *minimum = choose_resources (minimum_list);
  OsinfoResources *recommended = choose_resources (recommended_list);

  /* -1 is unknown in libosinfo. */
  if (minimum != NULL) {
    self->memory_bytes_min = MAX (osinfo_resources_get_ram (minimum), 0);
    self->memory_bytes = self->memory_bytes_min;
    self->cpus = MAX (osinfo_resources_get_n_cpus (minimum), 0);
    self->disk_bytes = MAX (osinfo_resources_get_storage (minimum), 0);
  }
  if (recommended != NULL) {
    self->memory_bytes = MAX ((gint64) self->memory_bytes, osinfo_resources_get_ram (recommended));
    self->cpus = MAX ((int) self->cpus, osinfo_resources_get_n_cpus (recommended));
    self->disk_bytes = MAX ((gint64) self->disk_bytes, osinfo_resources_get_storage (recommended));
  }
}

static void
read_devices (LodgeOs *self, OsinfoOs *os)
{
  /* PCI ids: red hat's 1af4 and 1b36 (docs/specs/pci-ids.rst in QEMU); 10xx is virtio before 1.0.
   */
  const struct {
    const char *id;
    gboolean *flag;
  } known[] = {
      {"http://pcisig.com/pci/1af4/1001", &self->virtio_block},
      {"http://pcisig.com/pci/1af4/1042", &self->virtio_block},
      {"http://pcisig.com/pci/1af4/1000", &self->virtio_net},
      {"http://pcisig.com/pci/1af4/1041", &self->virtio_net},
      {"http://pcisig.com/pci/1af4/1050", &self->virtio_gpu},
      {"http://pcisig.com/pci/1b36/0100", &self->qxl},
  };
  g_autoptr (OsinfoDeviceList) devices = osinfo_os_get_all_devices (os, NULL);

  for (int i = 0; i < osinfo_list_get_length (OSINFO_LIST (devices)); i++) {
    const char *id = osinfo_entity_get_id (osinfo_list_get_nth (OSINFO_LIST (devices), i));

    for (guint j = 0; j < G_N_ELEMENTS (known); j++)
      *known[j].flag |= g_strcmp0 (id, known[j].id) == 0;
  }
}

/* BIOS works unless the catalogue says that it does not. */
static gboolean
read_needs_uefi (OsinfoOs *os)
{
  g_autoptr (OsinfoFirmwareList) list = osinfo_os_get_complete_firmware_list (os, NULL);

  for (int i = 0; i < osinfo_list_get_length (OSINFO_LIST (list)); i++) {
    OsinfoFirmware *firmware = OSINFO_FIRMWARE (osinfo_list_get_nth (OSINFO_LIST (list), i));

    if (g_strcmp0 (osinfo_firmware_get_architecture (firmware), "x86_64") == 0 &&
        g_strcmp0 (osinfo_firmware_get_firmware_type (firmware), "bios") == 0 &&
        !osinfo_firmware_is_supported (firmware))
      return TRUE;
  }
  return FALSE;
}

LodgeOs *
lodge_os_catalogue_find (const char *short_id)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&lock);
  g_autofree char *name = NULL;
  const char *family;
  OsinfoOs *os;
  LodgeOs *self;

  if (short_id == NULL || short_id[0] == '\0' || strlen (short_id) > 64)
    return NULL;
  os = find_exact (short_id);
  if (os != NULL)
    name = g_strdup (osinfo_product_get_name (OSINFO_PRODUCT (os)));
  else
    os = find_relative (short_id, &name);
  if (os == NULL)
    return NULL;

  self = g_new0 (LodgeOs, 1);
  self->os = g_strdup (short_id);
  self->name = name != NULL ? g_steal_pointer (&name) : g_strdup (short_id);
  family = osinfo_os_get_family (os);
  self->windows = g_strcmp0 (family, "winnt") == 0;
  self->single_cpu = g_strcmp0 (family, "win9x") == 0 || g_strcmp0 (family, "win16") == 0 ||
                     g_strcmp0 (family, "msdos") == 0;
  read_resources (self, os);
  read_devices (self, os);
  self->needs_uefi = read_needs_uefi (os);
  return self;
}

/* The short id of the system whose installer has this volume, under the name @volume_id; %NULL
 * unknown. Lent by the database. */
static const char *
identify (const LodgeVolume *volume, const char *volume_id)
{
  g_autoptr (OsinfoMedia) media = osinfo_media_new ("image", NULL);
  OsinfoEntity *entity = OSINFO_ENTITY (media);
  OsinfoDb *all = get_database ();
  gboolean known;
  OsinfoOs *os;

  osinfo_entity_set_param (entity, OSINFO_MEDIA_PROP_VOLUME_ID, volume_id);
  osinfo_entity_set_param (entity, OSINFO_MEDIA_PROP_SYSTEM_ID, volume->system_id);
  osinfo_entity_set_param (entity, OSINFO_MEDIA_PROP_PUBLISHER_ID, volume->publisher_id);
  osinfo_entity_set_param (entity, OSINFO_MEDIA_PROP_APPLICATION_ID, volume->application_id);
  osinfo_entity_set_param_int64 (entity, OSINFO_MEDIA_PROP_VOLUME_SIZE,
                                 (gint64) MIN (volume->size_bytes, G_MAXINT64));

  /* libosinfo 1.10 keeps a list of scripts for each image that it identifies. */
  lodge_library_leaks_begin ();
  known = osinfo_db_identify_media (all, media);
  lodge_library_leaks_end ();
  if (!known)
    return NULL;
  os = osinfo_media_get_os (media);
  return os != NULL ? osinfo_product_get_short_id (OSINFO_PRODUCT (os)) : NULL;
}

/* "Debian 12.4.0 amd64 n" is not known, "Debian 11.4.0 amd64 n" is debian11: then this is debian12.
 */
static char *
identify_relative (const LodgeVolume *volume)
{
  gsize position = 0, length = 0;
  guint number;

  for (guint tried = 0;
       tried < NUMBERS_TRIED && next_number (volume->volume_id, &position, &length, &number);
       tried++, position += length) {
    for (guint older = number; older > 1 && number - older < RELATIVES;) {
      g_autofree char *name = with_number (volume->volume_id, position, length, --older);
      const char *relative = identify (volume, name);
      char *id = relative != NULL ? renumber (relative, older, number) : NULL;

      if (id != NULL)
        return id;
    }
  }
  return NULL;
}

char *
lodge_os_catalogue_identify (const LodgeVolume *volume)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&lock);
  const char *id;
  char *relative;

  /* Some entries of the catalogue ask for nothing but another field: a volume without a name is
   * nobody's. */
  if (volume->volume_id[0] == '\0')
    return g_strdup ("");

  id = identify (volume, volume->volume_id);
  if (id != NULL)
    return g_strdup (id);
  relative = identify_relative (volume);
  return relative != NULL ? relative : g_strdup ("");
}
