// Helpers in C for the IPC objects, System V's and POSIX's, and for memory.
#include "platforms/repro/helpers.h"

namespace ipcspec {
namespace {

constexpr ReproHelper kHelpers[] = {
    {"semun", "", R"C(
union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
  struct seminfo *info;
};
)C"},
    {"get_all", "semun", R"C(
static long get_all(int set) {
  static unsigned short all[32768];
  struct record *r = &s->record[s->task[me].begun];
  memset(all, 0xff, sizeof all); /* no semaphore has that value */
  long ret = semctl(set, 0, GETALL, (union semun){.array = all});
  while (ret != -1 && r->values < 32768 && all[r->values] != 0xffff) {
    r->value[r->values] = all[r->values];
    r->values++;
  }
  return ret;
}
)C"},
    {"last_task", "task_of", R"C(
static long last_task(long pid) { /* -1: no process of ours */
  return pid > 0 && task_of(pid) != pid ? task_of(pid) : -1;
}
)C"},
    {"keep_set", "semun", R"C(
#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif
static struct semid_ds ds;
static long keep_set(long ret) { /* notes key, uid, gid, cuid, cgid, mode, nsems, otime, ctime */
  struct ipc_perm *perm = &ds.sem_perm;
  long values[] = {perm->__key, perm->uid, perm->gid, perm->cuid, perm->cgid, perm->mode,
                   (long)ds.sem_nsems, ds.sem_otime, ds.sem_ctime};
  memcpy(s->record[s->task[me].begun].value, values, sizeof values);
  return ret;
}
)C"},
    {"sem_set", "semun", R"C(
static long sem_set(int set, unsigned uid, unsigned gid, unsigned short mode) {
  struct semid_ds to = {.sem_perm = {.uid = uid, .gid = gid, .mode = mode}};
  return semctl(set, 0, IPC_SET, (union semun){.buf = &to});
}
)C"},
    {"keep_limits", "semun", R"C(
static long keep_limits(int command) {
  struct seminfo info;
  long ret = semctl(0, 0, command, (union semun){.info = &info});
  long *value = s->record[s->task[me].begun].value;
  value[0] = command == SEM_INFO ? info.semusz : info.semmsl;
  value[1] = command == SEM_INFO ? info.semaem : info.semmns;
  value[2] = info.semopm;
  value[3] = info.semmni;
  value[4] = info.semvmx;
  return ret;
}
)C"},
    {"keep_info", "last_task", R"C(
static long keep_info(void) { /* notes what came with the signal that was handled last */
  struct record *r = &s->record[s->task[me].begun];
  long values[] = {last_info.si_signo, last_info.si_code, last_task(last_info.si_pid),
                   (long)last_info.si_uid, last_info.si_value.sival_int};
  memcpy(r->value, values, sizeof values);
  return 0;
}
)C"},
    {"message", "", R"C(
static struct {
  long type;
  char text[DATA];
} message;
static __attribute__((unused)) void *make_message(long type, const char *text, size_t size) {
  message.type = type;
  memset(message.text, 0, sizeof message.text);
  memcpy(message.text, text, size);
  return &message;
}
static __attribute__((unused)) long keep_message(long ret) { /* notes type and text */
  int step = s->task[me].begun;
  if (ret >= 0) memcpy(s->data[step], message.text, (size_t)ret);
  s->record[step].value[s->record[step].values++] = message.type;
  return ret;
}
)C"},
    {"keep_queue", "last_task", R"C(
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif
static struct msqid_ds queue;
static long keep_queue(long ret) { /* notes what IPC_STAT gave */
  struct ipc_perm *perm = &queue.msg_perm;
  long values[] = {perm->__key, perm->uid, perm->gid, perm->cuid, perm->cgid, perm->mode,
                   (long)queue.msg_qnum, (long)queue.__msg_cbytes, (long)queue.msg_qbytes,
                   last_task(queue.msg_lspid), last_task(queue.msg_lrpid),
                   queue.msg_stime, queue.msg_rtime, queue.msg_ctime};
  memcpy(s->record[s->task[me].begun].value, values, sizeof values);
  return ret;
}
)C"},
    {"keep_msginfo", "", R"C(
static long keep_msginfo(int command) {
  struct msginfo info;
  long ret = msgctl(0, command, (struct msqid_ds *)&info);
  long *value = s->record[s->task[me].begun].value;
  value[0] = command == MSG_INFO ? info.msgpool : info.msgmax;
  value[1] = command == MSG_INFO ? info.msgmap : info.msgmnb;
  value[2] = command == MSG_INFO ? info.msgtql : info.msgmni;
  return ret;
}
)C"},
    {"keep_segment", "last_task", R"C(
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
static struct shmid_ds segment;
static long keep_segment(long ret) { /* notes what IPC_STAT gave */
  struct ipc_perm *perm = &segment.shm_perm;
  long values[] = {perm->__key, perm->uid, perm->gid, perm->cuid, perm->cgid, perm->mode,
                   (long)segment.shm_segsz, (long)segment.shm_nattch,
                   last_task(segment.shm_cpid), last_task(segment.shm_lpid),
                   segment.shm_atime, segment.shm_dtime, segment.shm_ctime};
  memcpy(s->record[s->task[me].begun].value, values, sizeof values);
  return ret;
}
)C"},
    {"keep_shminfo", "", R"C(
static long keep_shminfo(int command) {
  union {
    struct shminfo limits;
    struct shm_info usage;
  } info;
  long ret = shmctl(0, command, (struct shmid_ds *)&info);
  long *value = s->record[s->task[me].begun].value;
  if (command == SHM_INFO) {
    value[0] = info.usage.used_ids;
    value[1] = (long)info.usage.shm_tot;
    return ret;
  }
  unsigned long limits[] = {info.limits.shmmax, info.limits.shmmin, info.limits.shmmni,
                            info.limits.shmall};
  for (int i = 0; i < 4; i++) value[i] = limits[i] > LONG_MAX ? LONG_MAX : (long)limits[i];
  return ret;
}
)C"},
    {"copy", "", R"C(
static sigjmp_buf raised;
static void on_raised(int signal) { siglongjmp(raised, signal); }
/* Copies bytes; gives the signal that this raised, or 0. */
static long copy(volatile char *to, const volatile char *from, long count) {
  static const int signals[] = {SIGSEGV, SIGBUS};
  struct sigaction before[2];
  sigset_t both, mask;
  sigemptyset(&both);
  for (int i = 0; i < 2; i++) {
    sigaction(signals[i], &(struct sigaction){.sa_handler = on_raised}, &before[i]);
    sigaddset(&both, signals[i]);
  }
  sigprocmask(SIG_UNBLOCK, &both, &mask);
  int signal = sigsetjmp(raised, 0);
  for (volatile long i = 0; signal == 0 && i < count; i++) to[i] = from[i];
  sigprocmask(SIG_SETMASK, &mask, NULL);
  for (int i = 0; i < 2; i++) sigaction(signals[i], &before[i], NULL);
  return signal;
}
)C"},
    {"size_of", "", R"C(
static long size_of(int fd) {
  struct stat file;
  return fstat(fd, &file) != 0 ? -1 : (long)file.st_size;
}
)C"},
    {"from_now", "", R"C(
static struct timespec *from_now(clockid_t clock, long ns) { /* an absolute time */
  static struct timespec at;
  clock_gettime(clock, &at);
  long nanos = at.tv_nsec + ns % 1000000000;
  at.tv_sec += ns / 1000000000 + (nanos >= 1000000000) - (nanos < 0);
  at.tv_nsec = (nanos + 1000000000) % 1000000000;
  return &at;
}
)C"},
    {"keep_attributes", "", R"C(
static struct mq_attr attributes;
static long keep_attributes(long ret) { /* notes flags, longest queue and message, messages */
  long values[] = {attributes.mq_flags, attributes.mq_maxmsg, attributes.mq_msgsize,
                   attributes.mq_curmsgs};
  memcpy(s->record[s->task[me].begun].value, values, sizeof values);
  return ret;
}
)C"},
    {"notify_thread", "", R"C(
/* What SIGEV_THREAD comes down to: notices on a netlink socket, out of the way of descriptors. */
#define NOTICES 1000
static long notify_thread(int queue) {
  static char cookie[32] = "repro";
  if (fcntl(NOTICES, F_GETFD) == -1) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    dup3(fd, NOTICES, O_CLOEXEC);
    close(fd);
  }
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_signo = NOTICES};
  event.sigev_value.sival_ptr = cookie;
  return syscall(SYS_mq_notify, queue, &event);
}
)C"},
    {"notices", "notify_thread", R"C(
static long notices(void) {
  struct record *r = &s->record[s->task[me].begun];
  char notice[32];
  while (r->values < 64 && recv(NOTICES, notice, 32, MSG_DONTWAIT) == 32)
    r->value[r->values++] = notice[31];
  return 0;
}
)C"},
    {"queue_file", "last_task", R"C(
/* Read by a child: closing the file may have an effect on the task. */
static long queue_file(const char *name) {
  struct record *r = &s->record[s->task[me].begun];
  char path[600], text[512] = "";
  int out[2], status = 0;
  snprintf(path, sizeof path, "/dev/mqueue%s", name);
  if (pipe(out) != 0) return -1;
  pid_t child = fork();
  if (child == 0) {
    int fd = open(path, O_RDONLY);
    ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof text - 1);
    if (n >= 0 && write(out[1], text, (size_t)n) != n) n = -1;
    _exit(fd == -1 ? errno : 0);
  }
  waitpid(child, &status, 0);
  close(out[1]);
  ssize_t n = read(out[0], text, sizeof text - 1);
  close(out[0]);
  errno = WEXITSTATUS(status);
  long pid = -1;
  if (errno != 0 || n < 0 || sscanf(text, "QSIZE:%ld NOTIFY:%ld SIGNO:%ld NOTIFY_PID:%ld",
                                    &r->value[0], &r->value[1], &r->value[2], &pid) != 4)
    return -1;
  r->value[3] = last_task(pid);
  return 0;
}
)C"},
    {"limit_queue_bytes", "", R"C(
static long limit_queue_bytes(long bytes) {
  struct rlimit limit;
  getrlimit(RLIMIT_MSGQUEUE, &limit);
  limit.rlim_cur = (rlim_t)bytes;
  return setrlimit(RLIMIT_MSGQUEUE, &limit);
}
)C"},
    {"drop_capability", "", R"C(
static long drop_capability(int capability) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  if (capability == CAP_DAC_OVERRIDE && drop_capability(CAP_DAC_READ_SEARCH) != 0) return -1;
  if (geteuid() == 0 && prctl(PR_CAPBSET_DROP, capability) != 0) return -1; /* over execve too */
  if (syscall(SYS_capget, &header, data) != 0) return -1;
  unsigned bit = ~(1u << (capability & 31));
  struct __user_cap_data_struct *half = &data[capability >> 5];
  half->effective &= bit, half->permitted &= bit, half->inheritable &= bit;
  return syscall(SYS_capset, &header, data);
}
)C"},
    {"get_limit", "", R"C(
static long get_limit(const char *path) {
  char text[64] = "";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd == -1) return -1;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  unsigned long value = strtoul(text, NULL, 10);
  return n <= 0 ? -1 : text[0] == '-' ? strtol(text, NULL, 10)
                     : value > LONG_MAX ? LONG_MAX : (long)value;
}
)C"},
    {"list_ipc", "last_task", R"C(
/* Notes the columns of each line, by identifier; those that are process ids as tasks. */
static long list_ipc(const char *path, int kind) {
  struct record *r = &s->record[s->task[me].begun];
  const int columns = kind == 0 ? 10 : 14;
  char line[1024];
  long lines = 0;
  FILE *file = fopen(path, "r");
  if (file == NULL) return -1;
  for (int first = 1; fgets(line, sizeof line, file) != NULL; first = 0) {
    char *at = line, *end;
    if (first || r->values + columns > VALUES) continue;
    lines++;
    long object[14];
    for (int column = 0; column < columns; column++, at = end) {
      object[column] = strtol(at, &end, column == 2 ? 8 : 10);
      if ((kind == 1 && (column == 5 || column == 6)) || (kind == 2 && (column == 4 || column == 5)))
        object[column] = last_task(object[column]);
    }
    int place = r->values;
    for (; place > 0 && r->value[place - columns + 1] > object[1]; place -= columns)
      memcpy(&r->value[place], &r->value[place - columns], sizeof *object * columns);
    memcpy(&r->value[place], object, sizeof *object * columns);
    r->values += columns;
  }
  fclose(file);
  return lines;
}
)C"},
    {"opened", "", R"C(
static long opened(sem_t *semaphore) { return semaphore == SEM_FAILED ? -1 : (long)semaphore; }
)C"},
    {"set_limit", "", R"C(
static long set_limit(const char *path, const char *limits) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd == -1) return -1;
  long ret = write(fd, limits, strlen(limits)) == -1 ? -1 : 0;
  int error = errno;
  close(fd);
  errno = error;
  return ret;
}
)C"},
};

}  // namespace

absl::Span<const ReproHelper> ObjectHelpers() { return kHelpers; }

}  // namespace ipcspec
