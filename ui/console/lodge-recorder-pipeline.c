/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording's way from pictures and samples to a file, in GStreamer:
 *
 *     pictures - convert - scale - encoder - queue -+
 *                                                   +- muxer - file
 *     sounds - convert - resample - encoder - queue -+
 *
 * Each line has a thread of its own, the file a third. Quality is constant: every picture is
 * quantized alike, however many bytes that takes, because a guest's letters are to stay sharp.
 * The file is written without a buffer of ours: what is in it survives this process.
 */
#include "console/lodge-recorder-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

/* So many threads at most encode a picture: a guest needs processors, too. */
#define THREADS_MAX 4

typedef struct {
  const char *element;
  const char *package; /* where Debian has it */
  const char *words;   /* of gst_parse_launch(); with "threads" to be added */
} Choice;

/* VP8 first: it takes a fraction of VP9's time. 12 of 0 to 63 looks like the guest. */
#define VPX                                                                                        \
  "deadline=1 lag-in-frames=0 end-usage=vbr target-bitrate=100000000 min-quantizer=12 "            \
  "max-quantizer=12 keyframe-max-dist=150 static-threshold=1 "

static const Choice pictures[] = {
    {"vp8enc", "gstreamer1.0-plugins-good", "vp8enc name=encoder cpu-used=8 " VPX},
    {"vp9enc", "gstreamer1.0-plugins-good", "vp9enc name=encoder cpu-used=8 row-mt=true " VPX},
};
static const Choice sounds[] = {
    {"opusenc", "gstreamer1.0-plugins-base", "opusenc bitrate=128000"},
    {"vorbisenc", "gstreamer1.0-plugins-base", "vorbisenc quality=0.5"},
};

/* All else that is needed. */
static const Choice others[] = {
    {"appsrc", "gstreamer1.0-plugins-base", NULL},
    {"videoconvert", "gstreamer1.0-plugins-base", NULL},
    {"videoscale", "gstreamer1.0-plugins-base", NULL},
    {"audioconvert", "gstreamer1.0-plugins-base", NULL},
    {"audioresample", "gstreamer1.0-plugins-base", NULL},
    {"webmmux", "gstreamer1.0-plugins-good", NULL},
};

static gboolean
is_there (const char *element)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (element);

  return factory != NULL;
}

static gboolean
refuse (const Choice *missing, GError **error)
{
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
               /* Translators: a part of GStreamer, and the name of a package */
               _ ("Recording needs GStreamer’s “%s”: install the package %s."), missing->element,
               missing->package);
  return FALSE;
}

/* The first that is there, or NULL with an error that names the first. */
static const Choice *
choose (const Choice *choices, guint n, GError **error)
{
  for (guint i = 0; i < n; i++) {
    if (is_there (choices[i].element))
      return &choices[i];
  }
  refuse (&choices[0], error);
  return NULL;
}

gboolean
lodge_recorder_check (GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (!gst_init_check (NULL, NULL, &problem)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("GStreamer does not work here: %s"),
                 problem != NULL ? problem->message : "");
    return FALSE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    if (!is_there (others[i].element))
      return refuse (&others[i], error);
  }
  return choose (pictures, G_N_ELEMENTS (pictures), error) != NULL &&
         choose (sounds, G_N_ELEMENTS (sounds), error) != NULL;
}

/* Nothing of it is a guest's or a user's text. */
static char *
dup_words (LodgeRecorder *self)
{
  const Choice *picture = choose (pictures, G_N_ELEMENTS (pictures), NULL);
  const Choice *sound = choose (sounds, G_N_ELEMENTS (sounds), NULL);
  const guint threads = CLAMP (g_get_num_processors () / 2, 1, THREADS_MAX);
  int width, height;

  lodge_recorder_get_size (self, &width, &height);
  return g_strdup_printf (
      "appsrc name=pictures format=time ! videoconvert ! video/x-raw,format=I420 ! "
      "videoscale add-borders=true ! "
      "video/x-raw,width=%d,height=%d,pixel-aspect-ratio=1/1 ! %s threads=%u ! queue ! mux. "
      "appsrc name=sounds format=time ! audioconvert ! audioresample ! "
      "audio/x-raw,rate=48000,channels=2 ! %s ! "
      "queue max-size-time=0 max-size-buffers=0 ! mux. "
      "webmmux name=mux writing-app=Lodge ! filesink name=file buffer-mode=unbuffered",
      width, height, picture->words, threads, sound->words);
}

gboolean
lodge_recorder_make_pipeline (LodgeRecorder *self, const char *path, GError **error)
{
  g_autofree char *words = dup_words (self);
  g_autoptr (GError) problem = NULL;

  self->pipeline = gst_parse_launch_full (words, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &problem);
  if (self->pipeline == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("GStreamer cannot record: %s"),
                 problem->message);
    return FALSE;
  }
  gst_object_ref_sink (self->pipeline);
  self->pictures = GST_APP_SRC (gst_bin_get_by_name (GST_BIN (self->pipeline), "pictures"));
  self->sounds = GST_APP_SRC (gst_bin_get_by_name (GST_BIN (self->pipeline), "sounds"));
  g_autoptr (GstElement) file = gst_bin_get_by_name (GST_BIN (self->pipeline), "file");
  g_object_set (file, "location", path, NULL);
  return TRUE;
}
