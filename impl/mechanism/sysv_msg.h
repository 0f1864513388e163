// System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2), sysvipc(7).
//
// A queue holds messages in the order in which they were sent. Each has a type, a positive number,
// and a text, which may be empty. msgsnd() appends one; msgrcv() takes the first that fits:
//     msgtyp = 0   the first of all
//     msgtyp > 0   the first of that type; with MSG_EXCEPT, of any other
//     msgtyp < 0   of those of the lowest type up to -msgtyp, the first
// or with MSG_COPY copies the one at a position. A text that is too long for the receiver is E2BIG
// and stays, or with MSG_NOERROR is cut, and the rest of it is lost.
//
// A queue is full for a message when there would be more than msg_qbytes bytes in it, or more than
// msg_qbytes messages. A sender sleeps while it is full, a receiver while nothing fits; IPC_NOWAIT
// turns both into errors (EAGAIN, ENOMSG). They end asleep with EIDRM (the queue was removed) or
// EINTR (a handler ran; they are never restarted). Nobody promises an order among sleepers, nor
// that who comes later may not overtake them.
//
// This class is the state of one IPC namespace. Calls that are asleep are no part of it: they stay
// with their tasks and are offered every later state. A message is never handed to a sleeper: it
// lies in the queue until a receiver takes it. Its limits are those of the namespace
// (Caller::limits): msgmax, the size of one message; msgmnb, msg_qbytes of a new queue; msgmni,
// the number of queues. It must never wait, look at a clock or know of processes beyond numbers.
#ifndef IPCSPEC_IMPL_MECHANISM_SYSV_MSG_H_
#define IPCSPEC_IMPL_MECHANISM_SYSV_MSG_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "impl/call/ipc_calls.h"
#include "impl/call/sysv_msg_calls.h"
#include "impl/mechanism/cow.h"
#include "impl/mechanism/step.h"
#include "impl/mechanism/sysv_ids.h"

namespace ipcspec {

class SysvMsg {
 public:
  // No queue exists.
  explicit SysvMsg(const Dialect& = Dialect()) {}

  // Finds or makes a queue. EACCES, EEXIST, ENOENT, ENOMEM, ENOSPC (msgget(2)).
  Result Step(const Msgget& call, const Caller& caller, Choice& choice);
  // EACCES, EAGAIN, EFAULT, EIDRM, EINTR, EINVAL, ENOMEM (msgop(2)).
  Result Step(const Msgsnd& call, const Caller& caller, Choice& choice);
  // E2BIG, EACCES, EFAULT, EIDRM, EINTR, EINVAL, ENOMSG, ENOSYS (msgop(2)).
  Result Step(const Msgrcv& call, const Caller& caller, Choice& choice);

  // msgctl(2). EINVAL: no such queue; EIDRM: it was removed.
  Result Step(const MsgStat& call, const Caller& caller, Choice& choice);    // EACCES, EFAULT
  Result Step(const MsgSet& call, const Caller& caller, Choice& choice);     // EFAULT, EPERM
  Result Step(const MsgRemove& call, const Caller& caller, Choice& choice);  // EPERM
  // Need no queue, and no permission.
  Result Step(const MsgLimits& call, const Caller& caller, Choice& choice);
  Result Step(const MsgUsage& call, const Caller& caller, Choice& choice);
  // MSG_STAT needs permission to read (EACCES), MSG_STAT_ANY does not. EINVAL: nothing there.
  Result Step(const MsgStatIndex& call, const Caller& caller, Choice& choice);
  Result Step(const MsgBadCommand& call, const Caller& caller, Choice& choice);  // EINVAL
  // /proc/sysvipc/msg (proc_sysvipc(5)): all queues, whoever asks.
  Result List(Choice& choice);

  // Forgets who used queues last, and when.
  void ForgetUses();

  bool operator==(const SysvMsg&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const SysvMsg& s) {
    return H::combine(std::move(h), s.queues_);
  }

 private:
  struct Message {
    int64_t type = 1;
    std::string text;

    int64_t size() const { return static_cast<int64_t>(text.size()); }
    bool operator==(const Message&) const = default;
    // Texts that begin alike are told apart by == alone.
    template <typename H>
    friend H AbslHashValue(H h, const Message& m) {
      return H::combine(std::move(h), m.type, m.text.size(),
                        std::string_view(m.text).substr(0, 16));
    }
  };
  using Messages = std::vector<Cow<Message>>;

  struct Queue {
    IpcPerm perm;
    IpcTime stime;           // last msgsnd
    IpcTime rtime;           // last msgrcv
    IpcTime ctime;           // made, or last IPC_SET
    uint64_t qbytes = 0;     // the most bytes, and the most messages
    int lspid = -1;          // who sent last, -1 for none
    int lrpid = -1;          // who received last
    int64_t cbytes = 0;      // bytes of all texts
    Cow<Messages> messages;  // oldest first

    int64_t qnum() const { return static_cast<int64_t>(messages->size()); }
    bool HasRoomFor(int64_t size) const {
      return static_cast<uint64_t>(cbytes + size) <= qbytes &&
             static_cast<uint64_t>(qnum() + 1) <= qbytes;
    }
    // The place of the message that msgrcv is about; qnum() when there is none.
    int64_t Select(int64_t type, MsgFlags flags) const;
    void Put(Message message, const Caller& caller);
    void Take(int64_t place, const Caller& caller);

    bool operator==(const Queue&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Queue& q) {
      return H::combine(std::move(h), q.perm, q.qbytes, q.lspid, q.lrpid, q.messages);
    }
  };

  // What the calls check before they sleep. `queue` may be null.
  Errors CheckSend(const Queue* queue, const Msgsnd& call, int64_t size, const Caller& caller,
                   const Choice& choice) const;
  Errors CheckReceive(const Queue* queue, const Msgrcv& call, const Caller& caller,
                      const Choice& choice) const;
  // Whether a sleeper fails with EACCES as it may no longer do what it sleeps for.
  static bool Expels(const Queue& queue, int want, const Caller& caller, const Choice& choice);

  // Adds to `errors` what is wrong with an identifier.
  void CheckId(const Queue* queue, int64_t id, Errors& errors) const;
  static Outcome Stat(const Queue& queue, int64_t ret, Choice& choice);

  IpcTable<Queue> queues_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_SYSV_MSG_H_
