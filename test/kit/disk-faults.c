/*
 * Makes the disk below one folder slow or broken, for a process that loads it by LD_PRELOAD with FAULTS_FOLDER and
 * FAULTS_FILE in the environment. The file is read again at each call, and has three numbers: how long a sync takes
 * in milliseconds, the errno with which a sync fails, and that with which a write fails; 0 for none.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct faults {
  int sync_delay_ms;
  int sync_errno;
  int write_errno;
};

static int is_inside(int fd) {
  const char *folder = getenv("FAULTS_FOLDER");
  size_t length = folder == NULL ? 0 : strlen(folder);
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (length == 0 || size < 0) {
    return 0;
  }
  path[size] = 0;
  return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static struct faults faults_of(int fd) {
  struct faults now = {0, 0, 0};
  const char *file = getenv("FAULTS_FILE");
  if (file == NULL || !is_inside(fd)) {
    return now;
  }
  int in = open(file, O_RDONLY | O_CLOEXEC);
  if (in < 0) {
    return now;
  }
  char text[64];
  ssize_t size = read(in, text, sizeof text - 1);
  close(in);
  if (size > 0) {
    text[size] = 0;
    sscanf(text, "%d %d %d", &now.sync_delay_ms, &now.sync_errno, &now.write_errno);
  }
  return now;
}

#define REAL(type, symbol, ...)          \
  static type (*real)(__VA_ARGS__);      \
  if (real == NULL) {                    \
    real = dlsym(RTLD_NEXT, symbol);     \
  }

#define WRITE(call)                      \
  int error = faults_of(fd).write_errno; \
  if (error != 0) {                      \
    errno = error;                       \
    return -1;                           \
  }                                      \
  return call

static int sync_with_faults(int fd, int (*real)(int)) {
  struct faults now = faults_of(fd);
  struct timespec pause = {now.sync_delay_ms / 1000, (now.sync_delay_ms % 1000) * 1000000L};
  nanosleep(&pause, NULL);
  if (now.sync_errno != 0) {
    errno = now.sync_errno;
    return -1;
  }
  return real(fd);
}

ssize_t write(int fd, const void *data, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  WRITE(real(fd, data, size));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
  WRITE(real(fd, data, size, offset));
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t);
  WRITE(real(fd, data, size, offset));
}

int ftruncate(int fd, off_t size) {
  REAL(int, "ftruncate", int, off_t);
  WRITE(real(fd, size));
}

int ftruncate64(int fd, off_t size) {
  REAL(int, "ftruncate64", int, off_t);
  WRITE(real(fd, size));
}

int fsync(int fd) {
  REAL(int, "fsync", int);
  return sync_with_faults(fd, real);
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  return sync_with_faults(fd, real);
}
