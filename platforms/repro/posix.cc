// Memory and POSIX IPC as C (calls.h).
#include "platforms/repro/writer.h"

namespace ipcspec {
namespace {

class Writer : public ReproWriter {
 public:
  using ReproWriter::ReproWriter;

  // Another mechanism's.
  template <class C>
  std::optional<std::string> Of(const C&) {
    return std::nullopt;
  }

  // ---- Memory
  std::string Of(const Mmap& c) {
    return Cat("return (long)mmap((void *)", Arg(c.address), ", ", Any(c.length), ", ",
               Show(c.prot), ", ", Show(c.flags), ", ", Arg(c.fd), ", ", Long(c.offset), ");");
  }
  std::string Of(const Munmap& c) {
    return Cat("return munmap(", At(c), ", ", Any(c.length), ");");
  }
  std::string Of(const Mprotect& c) {
    return Cat("return mprotect(", At(c), ", ", Any(c.length), ", ", Show(c.prot), ");");
  }
  std::string Of(const Msync& c) {
    return Cat("return msync(", At(c), ", ", Any(c.length), ", ", Show(c.flags), ");");
  }
  std::string Of(const Load& c) {
    return Cat("return ", Use("copy"), "(IN, ", At(c), ", ", Count(c.size), ");");
  }
  std::string Of(const Store& c) {
    const int64_t size = static_cast<int64_t>(c.data.text.size());
    return Cat(text_.Make(c.data.text, "; "), ";\nreturn ", Use("copy"), "(", At(c), ", made, ",
               size, ");");
  }
  std::string Of(const ShmOpen& c) {
    Use("own_shm");
    return Cat("return shm_open(", Path(c.name), ", ", Show(c.flags), ", ", Show(c.mode), ");");
  }
  std::string Of(const ShmUnlink& c) {
    Use("own_shm");
    return Cat("return shm_unlink(", Path(c.name), ");");
  }
  std::string Of(const Ftruncate& c) {
    return Cat("return ftruncate(", Arg(c.fd), ", ", Long(c.length), ");");
  }
  std::string Of(const Fchmod& c) {
    return Cat("return fchmod(", Arg(c.fd), ", ", Show(c.mode), ");");
  }
  std::string Of(const Fchown& c) {
    return Cat("return fchown(", Arg(c.fd), ", ", Id(c.uid), ", ", Id(c.gid), ");");
  }
  std::string Of(const FileSize& c) { return Cat("return ", Use("size_of"), "(", Arg(c.fd), ");"); }

  // ---- Queues
  std::string Of(const MqOpen& c) {
    Use("own_ipc");
    const bool plain = c.maxmsg == 0 && c.msgsize == 0;
    return Cat("return mq_open(", Path(c.name), ", ", Show(c.flags), ", ", Show(c.mode), ", ",
               plain ? std::string("NULL")
                     : Cat("&(struct mq_attr){.mq_maxmsg = ", Long(c.maxmsg),
                           ", .mq_msgsize = ", Long(c.msgsize), "}"),
               ");");
  }
  std::string Of(const MqUnlink& c) {
    Use("own_ipc");
    return Cat("return mq_unlink(", Path(c.name), ");");
  }
  // Without a deadline by the plain call: headers say that the timed one's is not null.
  std::string Of(const MqSend& c) {
    const int64_t size = static_cast<int64_t>(c.data.text.size());
    const std::string deadline = Deadline(c, "CLOCK_REALTIME");
    const std::string arguments = Cat(Arg(c.fd), ", made, ", size, ", ", Int(c.priority));
    return Cat(text_.Make(c.data.text, "; "), ";\nreturn ",
               deadline == "NULL" ? Cat("mq_send(", arguments)
                                  : Cat("mq_timedsend(", arguments, ", ", deadline),
               ");");
  }
  std::string Of(const MqReceive& c) {
    Use("keep");
    const std::string deadline = Deadline(c, "CLOCK_REALTIME");
    const std::string arguments = Cat(Arg(c.fd), ", IN, ", Count(c.size), ", (unsigned *)p");
    return Keep(deadline == "NULL" ? Cat("mq_receive(", arguments, ")")
                                   : Cat("mq_timedreceive(", arguments, ", ", deadline, ")"),
                1);
  }
  std::string Of(const MqGetattr& c) {
    return Cat("return ", Use("keep_attributes"), "(mq_getattr(", Arg(c.fd), ", &attributes));");
  }
  std::string Of(const MqSetattr& c) {
    return Cat("return ", Use("keep_attributes"), "(mq_setattr(", Arg(c.fd),
               ", &(struct mq_attr){.mq_flags = ", Show(c.flags), ", .mq_maxmsg = ", Long(c.maxmsg),
               ", .mq_msgsize = ", Long(c.msgsize), "}, &attributes));");
  }
  std::string Of(const MqNotify& c) {
    if (c.how == Notify::kRemove) return Cat("return mq_notify(", Arg(c.fd), ", NULL);");
    if (c.how == Notify::kThread) return Cat("return ", Use("notify_thread"), "(", Arg(c.fd), ");");
    const std::string_view how = c.how == Notify::kNone     ? "SIGEV_NONE"
                                 : c.how == Notify::kSignal ? "SIGEV_SIGNAL"
                                                            : "77";
    return Cat("return mq_notify(", Arg(c.fd), ", &(struct sigevent){.sigev_notify = ", how,
               ", .sigev_signo = ", Show(c.signal), ", .sigev_value.sival_int = ", Int(c.value),
               "});");
  }
  std::string Of(const MqNotices&) {
    text_.ReserveValues(64);
    return Cat("return ", Use("notices"), "();");
  }
  std::string Of(const MqFile& c) {
    Use("own_ipc");
    return Cat("return ", Use("queue_file"), "(", Path(c.name), ");");
  }
  std::string Of(const LimitQueueBytes& c) {
    return Cat("return ", Use("limit_queue_bytes"), "(", Long(c.bytes), ");");
  }

  // ---- Semaphores
  std::string Of(const PsemInit& c) {
    return Cat("return sem_init(", Sem(c), ", ", c.shared ? 1 : 0, ", ", Id32(c.value), ");");
  }
  std::string Of(const PsemDestroy& c) { return Cat("return sem_destroy(", Sem(c), ");"); }
  std::string Of(const PsemOpen& c) {
    Use("own_shm");
    return Cat("return ", Use("opened"), "(sem_open(", Path(c.name), ", ", Show(c.flags), ", ",
               Show(c.mode), ", ", Id32(c.value), "));");
  }
  std::string Of(const PsemClose& c) {
    return Cat("return sem_close((sem_t *)", Arg(c.address), ");");
  }
  std::string Of(const PsemUnlink& c) {
    Use("own_shm");
    return Cat("return sem_unlink(", Path(c.name), ");");
  }
  std::string Of(const PsemPost& c) { return Cat("return sem_post(", Sem(c), ");"); }
  std::string Of(const PsemTryWait& c) { return Cat("return sem_trywait(", Sem(c), ");"); }
  std::string Of(const PsemWait& c) {
    const bool timed = c.bad_time || c.timeout.ns != Nanos::kForever;
    if (c.clock == Clock::kDefault && !timed) return Cat("return sem_wait(", Sem(c), ");");
    const std::string clock = c.clock == Clock::kMonotonic ? "CLOCK_MONOTONIC"
                              : c.clock == Clock::kBad     ? "77"
                                                           : "CLOCK_REALTIME";
    const std::string known = c.clock == Clock::kBad ? "CLOCK_REALTIME" : clock;
    if (c.clock == Clock::kDefault) {
      return Cat("return sem_timedwait(", Sem(c), ", ", Deadline(c, known), ");");
    }
    return Cat("return sem_clockwait(", Sem(c), ", ", clock, ", ", Deadline(c, known), ");");
  }
  std::string Of(const PsemGetValue& c) { return Keep(Cat("sem_getvalue(", Sem(c), ", p)"), 1); }

 private:
  template <class C>
  std::string At(const C& c) {
    return Cat("(char *)", Arg(c.address), " + ", Long(c.offset));
  }
  template <class C>
  std::string Sem(const C& c) {
    return Cat("(sem_t *)(", At(c), ")");
  }
  static std::string Id32(int64_t value) { return Cat(static_cast<uint32_t>(value), "u"); }
  // An absolute time: from now on by this clock. NULL where the call does not time out.
  template <class C>
  std::string Deadline(const C& c, const std::string& clock) {
    if (c.bad_time) return "&(struct timespec){1, 1000000000}";
    if (c.timeout.ns == Nanos::kForever) return "NULL";
    return Cat(Use("from_now"), "(", clock, ", ", Long(c.timeout.ns), ")");
  }
};

}  // namespace

std::optional<std::string> PosixInC(ReproText& text, const Step& step) {
  return std::visit(
      [&](const auto& call) -> std::optional<std::string> { return Writer(text, step).Of(call); },
      step.call);
}

}  // namespace ipcspec
