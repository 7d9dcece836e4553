/* libvirt's own C client doing what the benchmark does, for comparison. Prints one number per line.
 * The declarations are libvirt's public ABI, so that no development package is needed:
 *   cc -O2 -pthread client.c -l:libvirt.so.0 -o client
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

typedef void *Handle;
typedef struct { char model[32]; unsigned long memory; unsigned int rest[6]; } NodeInfo;
typedef struct { Handle domain; void *params; int nparams; } StatsRecord;
extern Handle virConnectOpen(const char *);
extern int virConnectClose(Handle);
extern int virNodeGetInfo(Handle, NodeInfo *);
extern int virConnectGetAllDomainStats(Handle, unsigned int, StatsRecord ***, unsigned int);
extern void virDomainStatsRecordListFree(StatsRecord **);
extern Handle virStorageVolLookupByPath(Handle, const char *);
extern Handle virStreamNew(Handle, unsigned int);
extern int virStorageVolUpload(Handle, Handle, unsigned long long, unsigned long long, unsigned int);
extern int virStorageVolDownload(Handle, Handle, unsigned long long, unsigned long long, unsigned int);
extern int virStreamSend(Handle, const char *, size_t);
extern int virStreamRecv(Handle, char *, size_t);
extern int virStreamFinish(Handle);

static double seconds(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static double cpu(void) {
  struct rusage u; getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}
static void fail(const char *what) { fprintf(stderr, "%s failed\n", what); exit(1); }

static Handle shared;
static int each;
static void *caller(void *unused) {
  NodeInfo info;
  (void)unused;
  for (int i = 0; i < each; i++) if (virNodeGetInfo(shared, &info)) fail("virNodeGetInfo");
  return NULL;
}

/* client URI serial COUNT | parallel COUNT | stats COUNT | upload PATH BYTES | download PATH BYTES */
int main(int argc, char **argv) {
  if (argc < 4) fail("usage");
  Handle conn = virConnectOpen(argv[1]);
  if (!conn) fail("virConnectOpen");
  const char *what = argv[2];
  if (!strcmp(what, "serial")) {
    NodeInfo info; int n = atoi(argv[3]); double t = seconds(), c = cpu();
    for (int i = 0; i < n; i++) if (virNodeGetInfo(conn, &info)) fail("virNodeGetInfo");
    printf("%f %f\n", n / (seconds() - t), (cpu() - c) / n * 1e6);
  } else if (!strcmp(what, "parallel")) {
    pthread_t threads[64]; int n = atoi(argv[3]); double t = seconds(), c = cpu();
    shared = conn; each = n / 64;
    for (int i = 0; i < 64; i++) pthread_create(&threads[i], NULL, caller, NULL);
    for (int i = 0; i < 64; i++) pthread_join(threads[i], NULL);
    printf("%f %f\n", each * 64 / (seconds() - t), (cpu() - c) / (each * 64) * 1e6);
  } else if (!strcmp(what, "stats")) {
    int n = atoi(argv[3]); double best = 1e9;
    for (int i = 0; i < n; i++) {
      StatsRecord **records; double t = seconds();
      if (virConnectGetAllDomainStats(conn, 0, &records, 0) < 0) fail("virConnectGetAllDomainStats");
      virDomainStatsRecordListFree(records);
      if (seconds() - t < best) best = seconds() - t;
    }
    printf("%f\n", best * 1e3);
  } else {
    Handle volume = virStorageVolLookupByPath(conn, argv[3]), stream = virStreamNew(conn, 0);
    unsigned long long size = strtoull(argv[4], NULL, 10), done = 0; double t = seconds();
    size_t chunk = 262120; char *buffer = calloc(1, chunk);
    if (!volume || !stream) fail("volume");
    if (!strcmp(what, "upload")) {
      if (virStorageVolUpload(volume, stream, 0, size, 0)) fail("virStorageVolUpload");
      while (done < size) {
        int n = virStreamSend(stream, buffer, size - done < chunk ? size - done : chunk);
        if (n < 0) fail("virStreamSend");
        done += n;
      }
    } else {
      if (virStorageVolDownload(volume, stream, 0, 0, 0)) fail("virStorageVolDownload");
      for (int n; (n = virStreamRecv(stream, buffer, chunk)) != 0; done += n) if (n < 0) fail("virStreamRecv");
    }
    if (virStreamFinish(stream)) fail("virStreamFinish");
    printf("%f\n", done / 1048576.0 / (seconds() - t));
  }
  virConnectClose(conn);
  return 0;
}
