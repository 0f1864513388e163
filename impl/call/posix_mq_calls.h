// Calls on POSIX message queues: mq_overview(7). A queue descriptor is a file descriptor on Linux:
// mq_close(3) is close(2), and poll(2), dup(2) and fcntl(2) work on it.
#ifndef IPCSPEC_IMPL_CALL_POSIX_MQ_CALLS_H_
#define IPCSPEC_IMPL_CALL_POSIX_MQ_CALLS_H_

#include <string>
#include <string_view>

#include "impl/call/fields.h"
#include "impl/call/types.h"

namespace ipcspec {

// mq_open(3). With `maxmsg` or `msgsize` not 0 an attribute structure is passed, else none (default
// sizes). Returns the descriptor; close-on-exec is set on it.
struct MqOpen {
  static constexpr std::string_view kName = "mq_open";
  static constexpr ArgKind kGives = ArgKind::kFd;
  std::string name;
  OpenFlags flags;
  Mode mode = 0600;
  int64_t maxmsg = 0;
  int64_t msgsize = 0;
  IPCSPEC_FIELDS(MqOpen, name, flags, mode, maxmsg, msgsize)
};

struct MqUnlink {
  static constexpr std::string_view kName = "mq_unlink";
  std::string name;
  IPCSPEC_FIELDS(MqUnlink, name)
};

// mq_timedsend(3), and mq_send(3) with `timeout` kForever. The deadline is the time of the call and
// `timeout`, on the real-time clock: a negative timeout has passed. `bad_time`: a time whose
// nanoseconds are out of range is passed instead.
struct MqSend {
  static constexpr std::string_view kName = "mq_send";
  static constexpr bool kRestartable = true;
  Fd fd;
  Bytes data;
  int64_t priority = 0;
  Nanos timeout;
  bool bad_time = false;
  IPCSPEC_FIELDS(MqSend, fd, data, priority, timeout, bad_time)
};

// mq_timedreceive(3), mq_receive(3). Returns the size; data: the message; values: its priority.
struct MqReceive {
  static constexpr std::string_view kName = "mq_receive";
  static constexpr bool kRestartable = true;
  Fd fd;
  int64_t size = 8192;
  Nanos timeout;
  bool bad_time = false;
  IPCSPEC_FIELDS(MqReceive, fd, size, timeout, bad_time)
};

// mq_getattr(3). values: mq_flags, mq_maxmsg, mq_msgsize, mq_curmsgs.
struct MqGetattr {
  static constexpr std::string_view kName = "mq_getattr";
  Fd fd;
  IPCSPEC_FIELDS(MqGetattr, fd)
};

// mq_setattr(3), with sizes that it must pass over. values: the attributes before.
struct MqSetattr {
  static constexpr std::string_view kName = "mq_setattr";
  Fd fd;
  OpenFlags flags;
  int64_t maxmsg = 0;
  int64_t msgsize = 0;
  IPCSPEC_FIELDS(MqSetattr, fd, flags, maxmsg, msgsize)
};

// mq_notify(3). kRemove passes no structure; kThread asks for what SIGEV_THREAD comes down to, a
// message on a netlink socket of the task (MqNotices tells of it).
struct MqNotify {
  static constexpr std::string_view kName = "mq_notify";
  Fd fd;
  Notify how = Notify::kSignal;
  Signal signal;
  int64_t value = 0;  // sigev_value
  IPCSPEC_FIELDS(MqNotify, fd, how, signal, value)
};

// What came on the task's netlink sockets since it was asked last. values: 1 for a message that
// arrived in the queue, 2 for a registration that was removed, in order.
struct MqNotices {
  static constexpr std::string_view kName = "mq_notices";
  IPCSPEC_FIELDS(MqNotices)
};

// The file of the queue below /dev/mqueue (mq_overview(7)). values: QSIZE, NOTIFY, SIGNO,
// NOTIFY_PID (a task; -1: none).
struct MqFile {
  static constexpr std::string_view kName = "mq_file";
  std::string name;
  IPCSPEC_FIELDS(MqFile, name)
};

// setrlimit(2) of the soft RLIMIT_MSGQUEUE, in bytes.
struct LimitQueueBytes {
  static constexpr std::string_view kName = "limit_queue_bytes";
  int64_t bytes = 0;
  IPCSPEC_FIELDS(LimitQueueBytes, bytes)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_POSIX_MQ_CALLS_H_
