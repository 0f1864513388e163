// POSIX message queues: mq_overview(7).
//
// A queue is found by its name, until the name is unlinked; it lives on while somebody has it open.
// Each message has a priority: the highest is received first, and the oldest among equals. A
// receiver sleeps while the queue is empty, a sender while it is full. One process can ask to be
// told when a message arrives in the empty queue with no receiver waiting: once, then it must ask
// again.
//
// A descriptor of a queue is a file descriptor (impl/reference/step_queues.cc); here a queue is a
// number, and -1 stands for a descriptor that is no good for the call (EBADF). Who is woken, and
// how a process is told, is not known here.
#ifndef IPCSPEC_IMPL_MECHANISM_POSIX_MQ_H_
#define IPCSPEC_IMPL_MECHANISM_POSIX_MQ_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "impl/mechanism/cow.h"
#include "impl/mechanism/step.h"

namespace ipcspec {

class PosixMq {
 public:
  static constexpr int64_t kPriorities = 32768;      // sysconf(_SC_MQ_PRIO_MAX)
  static constexpr int64_t kHardMaxmsg = 65536;      // HARD_MSGMAX of mq_overview(7)
  static constexpr int64_t kHardMsgsize = 16777216;  // HARD_MSGSIZEMAX
  static constexpr int64_t kLongestName = 255;       // NAME_MAX

  struct Message {
    int64_t priority = 0;
    std::string data;
    bool operator==(const Message&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Message& m) {
      return H::combine(std::move(h), m.priority, m.data);
    }
  };

  // Who wants to be told, and how: mq_notify(3).
  struct Registration {
    int task = -1;    // -1: nobody
    int64_t fd = -1;  // the descriptor that it was made with
    Notify how = Notify::kNone;
    int signal = 0;
    int64_t value = 0;
    bool before_exec = false;  // the task runs another program since
    bool operator==(const Registration&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Registration& r) {
      return H::combine(std::move(h), r.task, r.fd, r.how, r.signal, r.value, r.before_exec);
    }
  };

  struct Queue {
    std::string name;  // as mq_open has it; empty once it is unlinked
    int64_t uid = 0, gid = 0, mode = 0;
    int64_t maxmsg = 0, msgsize = 0;
    std::vector<Message> messages;  // in the order in which they are received
    Registration registered;
    int opens = 0;  // open file descriptions
    // When a queue of one message was last emptied (ns), -1: never.
    int64_t emptied_at = -1;

    bool full() const { return static_cast<int64_t>(messages.size()) >= maxmsg; }
    int64_t Bytes() const;  // of all messages
    // Whether the mode gives the caller `want`, of 4 (receive) and 2 (send).
    bool Permits(int64_t want, const Caller& caller) const;

    bool operator==(const Queue&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Queue& q) {
      return H::combine(std::move(h), q.name, q.uid, q.gid, q.mode, q.maxmsg, q.msgsize, q.messages,
                        q.registered, q.opens);
    }
  };

  // What queues count against RLIMIT_MSGQUEUE (getrlimit(2)). The formula has the sizes of
  // structures of the kernel in it: so it is a range.
  struct Charge {
    int64_t least = 0, usual = 0, most = 0;
    static Charge Of(int64_t maxmsg, int64_t msgsize);
    void Add(const Charge& other) {
      least += other.least, usual += other.usual, most += other.most;
    }
  };

  // What the caller of mq_open brings along.
  struct Room {
    bool descriptor = false;  // one is free
    int64_t umask = 0;
    Charge charged;         // the queues that its user made
    int64_t max_bytes = 0;  // its RLIMIT_MSGQUEUE
  };

  explicit PosixMq(const Dialect& = Dialect()) {}

  // Null when there is no such queue.
  const Queue* Find(int queue) const { return queues_.Find(queue); }
  // The queue of this name, -1 when there is none.
  int FindName(std::string_view name) const;
  // What the queues that the user made are charged in all.
  Charge ChargedTo(int64_t uid) const;
  // Whether the name is one of mq_overview(7), and no special name of file systems.
  static bool IsPlainName(std::string_view name);

  // mq_open(3): when it succeeds the queue is in `queue`, and open once more; the descriptor is
  // still to be made.
  Result Open(const MqOpen& call, const Room& room, const Caller& caller, Choice& choice,
              int* queue);
  // One open file description of it less: the last takes an unlinked queue along.
  void Close(int queue);
  // mq_unlink(3).
  Result Unlink(const MqUnlink& call, const Caller& caller, Choice& choice);

  // mq_timedsend(3). A sender that succeeded has put its message in.
  Result Send(int queue, bool nonblocking, const MqSend& call, const Caller& caller,
              Choice& choice);
  // mq_timedreceive(3).
  Result Receive(int queue, bool nonblocking, const MqReceive& call, const Caller& caller,
                 Choice& choice);

  // mq_notify(3).
  Result Register(int queue, const MqNotify& call, const Caller& caller, Choice& choice);
  // The registration ends (it is used up, or removed); returns what it was.
  Registration Unregister(int queue);
  // The task has called exec: what is registered by a descriptor that stays open is from before.
  void OnExec(int task);

  bool operator==(const PosixMq&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const PosixMq& mq) {
    return H::combine(std::move(h), mq.queues_);
  }

 private:
  void CreateErrors(const MqOpen& call, const Room& room, const Caller& caller,
                    const Choice& choice, Errors* errors) const;
  int Create(const MqOpen& call, int64_t umask, const Caller& caller);

  Numbered<Queue> queues_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_POSIX_MQ_H_
