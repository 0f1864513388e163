// System V IPC as C (calls.h).
#include <sys/msg.h>

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

  // ---- System V semaphores
  std::string Of(const Ftok& c) { return Cat("return ftok(", Path(c.path), ", ", Int(c.id), ");"); }
  std::string Of(const Semget& c) {
    const bool is_private = !c.key.is_reference() && c.key.value == 0;
    Use(is_private ? "own_ipc" : "need_own_ipc");
    return Cat("return semget(", is_private ? "IPC_PRIVATE" : Arg(c.key), ", ", Int(c.nsems), ", ",
               Show(c.flags), ");");
  }
  std::string Of(const Semop& c) {
    std::string ops;
    for (const Sembuf& op : c.ops) {
      Append(&ops, ops.empty() ? "" : ", ", "{", static_cast<uint16_t>(op.num), ", ",
             static_cast<int16_t>(op.op), ", ",
             Show(SemopFlags(static_cast<int16_t>(op.flags.bits))), "}");
    }
    const bool bad = c.memory == Memory::kBad;
    const bool timed = c.timeout.ns != Nanos::kForever;
    if (c.ops.empty()) ops = "{0, 0, 0}";
    return Cat(bad ? std::string() : Cat("struct sembuf o[] = {", ops, "};\n"), "return ",
               timed ? "semtimedop(" : "semop(", Arg(c.id), ", ", bad ? Use("BAD") : "o", ", ",
               static_cast<int64_t>(c.ops.size()), timed ? Cat(", ", Time(c.timeout)) : "", ");");
  }
  std::string Of(const SemGetVal& c) { return Semctl(c.id, Int(c.num), "GETVAL"); }
  std::string Of(const SemSetVal& c) {
    return Semctl(c.id, Int(c.num), Cat("SETVAL, (union semun){.val = ", Int(c.value), "}"));
  }
  std::string Of(const SemGetAll& c) {
    if (c.memory == Memory::kBad) return Semctl(c.id, "0", "GETALL, (union semun){.array = BAD}");
    text_.ReserveValues(32768);
    return Cat("return ", Use("get_all"), "(", Arg(c.id), ");");
  }
  std::string Of(const SemSetAll& c) {
    if (c.memory == Memory::kBad) return Semctl(c.id, "0", "SETALL, (union semun){.array = BAD}");
    std::string all;
    for (int64_t value : c.all) Append(&all, all.empty() ? "" : ", ", static_cast<uint16_t>(value));
    Use("semun");
    // As long as the longest set, lest a mistaken one be read beyond its end.
    return Cat("static unsigned short all[32768] = {", all.empty() ? "0" : all, "};\n",
               Semctl(c.id, "0", "SETALL, (union semun){.array = all}"));
  }
  std::string Of(const SemGetPid& c) {
    return Cat("return ", Use("last_task"), "(semctl(", Arg(c.id), ", ", Int(c.num), ", GETPID));");
  }
  std::string Of(const SemGetNcnt& c) { return Semctl(c.id, Int(c.num), "GETNCNT"); }
  std::string Of(const SemGetZcnt& c) { return Semctl(c.id, Int(c.num), "GETZCNT"); }
  std::string Of(const SemStat& c) {
    if (c.memory == Memory::kBad) return Semctl(c.id, "0", "IPC_STAT, (union semun){.buf = BAD}");
    return KeepSet(Arg(c.id), "IPC_STAT");
  }
  std::string Of(const SemSet& c) {
    if (c.memory == Memory::kBad) return Semctl(c.id, "0", "IPC_SET, (union semun){.buf = BAD}");
    return Cat("return ", Use("sem_set"), "(", Arg(c.id), ", ", Id(c.uid), ", ", Id(c.gid), ", ",
               Show(c.mode), ");");
  }
  std::string Of(const SemRemove& c) { return Semctl(c.id, "0", "IPC_RMID"); }
  std::string Of(const SemLimits&) {
    Use("need_own_ipc");
    return Cat("return ", Use("keep_limits"), "(IPC_INFO);");
  }
  std::string Of(const SemUsage&) {
    Use("need_own_ipc");
    return Cat("return ", Use("keep_limits"), "(SEM_INFO);");
  }
  std::string Of(const SemStatIndex& c) {
    Use("need_own_ipc");
    return KeepSet(Int(c.index), c.any ? "SEM_STAT_ANY" : "SEM_STAT");
  }
  std::string Of(const SemBadCommand& c) { return Semctl(c.id, "0", "9999"); }
  std::string Of(const SetSemLimits& c) {
    Use("need_own_ipc");
    return Cat("return ", Use("set_limit"), "(\"/proc/sys/kernel/sem\", \"", c.semmsl, " ",
               c.semmns, " ", c.semopm, " ", c.semmni, "\\n\");");
  }

  // ---- Queues
  std::string Of(const Msgget& c) {
    return Cat("return msgget(", KeyOf(c.key), ", ", Show(c.flags), ");");
  }
  std::string Of(const Msgsnd& c) {
    const std::string& data = c.data.text;
    const int64_t size = static_cast<int64_t>(data.size());
    const std::string shown = Long(c.size == Msgsnd::kAll ? size : c.size);
    const std::string tail = Cat(shown, ", ", Show(c.flags), ");");
    if (c.memory == Memory::kBad) {
      return Cat("return msgsnd(", Arg(c.id), ", ", Use("BAD"), ", ", tail);
    }
    Use("message");
    text_.Reserve(std::max<int64_t>(size, 8192));
    return Cat(text_.Make(data, "; "), ";\nreturn msgsnd(", Arg(c.id), ", make_message(",
               Long(c.type), ", made, ", size, "), ", tail);
  }
  std::string Of(const Msgrcv& c) {
    const std::string tail = Cat(Any(c.size), ", ", Long(c.type), ", ", Show(c.flags), ")");
    if (c.memory == Memory::kBad) {
      return Cat("return msgrcv(", Arg(c.id), ", ", Use("BAD"), ", ", tail, ";");
    }
    text_.Reserve(c.size < 0 ? 0 : std::min<int64_t>(c.size, 1 << 17));
    Use("message");
    return Cat("return keep_message(msgrcv(", Arg(c.id), ", &message, ", tail, ");");
  }
  std::string Of(const MsgStat& c) {
    if (c.memory == Memory::kBad) return Msgctl(Arg(c.id), Cat("IPC_STAT, ", Use("BAD")));
    return KeepQueue(Arg(c.id), "IPC_STAT");
  }
  std::string Of(const MsgSet& c) {
    if (c.memory == Memory::kBad) return Msgctl(Arg(c.id), Cat("IPC_SET, ", Use("BAD")));
    return Msgctl(Arg(c.id), Cat("IPC_SET, &(struct msqid_ds){.msg_perm = {.uid = ", Id(c.uid),
                                 ", .gid = ", Id(c.gid), ", .mode = ", Show(c.mode),
                                 "}, .msg_qbytes = ", Long(c.qbytes), "}"));
  }
  std::string Of(const MsgRemove& c) { return Msgctl(Arg(c.id), "IPC_RMID, NULL"); }
  std::string Of(const MsgLimits&) {
    Use("need_own_ipc");
    return Cat("return ", Use("keep_msginfo"), "(IPC_INFO);");
  }
  std::string Of(const MsgUsage&) {
    Use("need_own_ipc");
    return Cat("return ", Use("keep_msginfo"), "(MSG_INFO);");
  }
  std::string Of(const MsgStatIndex& c) {
    Use("need_own_ipc");
    return KeepQueue(Int(c.index), c.any ? "MSG_STAT_ANY" : "MSG_STAT");
  }
  std::string Of(const MsgBadCommand& c) { return Msgctl(Arg(c.id), "9999, NULL"); }

  // ---- Segments
  std::string Of(const Shmget& c) {
    return Cat("return shmget(", KeyOf(c.key), ", ", Any(c.size), ", ", Show(c.flags), ");");
  }
  std::string Of(const Shmat& c) {
    return Cat("return (long)shmat(", Arg(c.id), ", (void *)", Arg(c.address), ", ", Show(c.flags),
               ");");
  }
  std::string Of(const Shmdt& c) {
    return Cat("return shmdt((char *)", Arg(c.address), " + ", Long(c.offset), ");");
  }
  std::string Of(const ShmStat& c) {
    if (c.memory == Memory::kBad) return Shmctl(Arg(c.id), Cat("IPC_STAT, ", Use("BAD")));
    return KeepSegment(Arg(c.id), "IPC_STAT");
  }
  std::string Of(const ShmSet& c) {
    if (c.memory == Memory::kBad) return Shmctl(Arg(c.id), Cat("IPC_SET, ", Use("BAD")));
    return Shmctl(Arg(c.id), Cat("IPC_SET, &(struct shmid_ds){.shm_perm = {.uid = ", Id(c.uid),
                                 ", .gid = ", Id(c.gid), ", .mode = ", Show(c.mode), "}}"));
  }
  std::string Of(const ShmRemove& c) { return Shmctl(Arg(c.id), "IPC_RMID, NULL"); }
  std::string Of(const ShmLock& c) { return Shmctl(Arg(c.id), "SHM_LOCK, NULL"); }
  std::string Of(const ShmUnlock& c) { return Shmctl(Arg(c.id), "SHM_UNLOCK, NULL"); }
  std::string Of(const ShmLimits&) {
    Use("need_own_ipc");
    return Cat("return ", Use("keep_shminfo"), "(IPC_INFO);");
  }
  std::string Of(const ShmUsage&) {
    Use("need_own_ipc");
    return Cat("return ", Use("keep_shminfo"), "(SHM_INFO);");
  }
  std::string Of(const ShmStatIndex& c) {
    Use("need_own_ipc");
    return KeepSegment(Int(c.index), c.any ? "SHM_STAT_ANY" : "SHM_STAT");
  }
  std::string Of(const ShmBadCommand& c) { return Shmctl(Arg(c.id), "9999, NULL"); }

  // ---- All of them
  std::string Of(const UnshareIpc&) {
    Use("need_own_ipc");
    return "return unshare(CLONE_NEWIPC);";
  }
  std::string Of(const SetLimit& c) {
    Use("need_own_ipc");
    return Cat("return ", Use("set_limit"), "(\"", LimitPath(c.limit), "\", \"", c.value,
               "\\n\");");
  }
  std::string Of(const GetLimit& c) {
    Use("need_own_ipc");
    return Cat("return ", Use("get_limit"), "(\"", LimitPath(c.limit), "\");");
  }
  std::string Of(const ListIpc& c) {
    Use("need_own_ipc");
    text_.ReserveValues(512);
    return Cat("return ", Use("list_ipc"), "(\"/proc/sysvipc/", Show(c.kind), "\", ",
               static_cast<int>(c.kind), ");");
  }
  std::string Of(const DropCapability& c) {
    constexpr const char* kNames[] = {"CAP_IPC_OWNER", "CAP_IPC_LOCK", "CAP_SYS_ADMIN",
                                      "CAP_SYS_RESOURCE", "CAP_DAC_OVERRIDE"};
    Use("need_root");
    return Cat("return ", Use("drop_capability"), "(", kNames[static_cast<int>(c.capability)],
               ");");
  }
  std::string Of(const SetGroup& c) {
    Use("need_root");
    return Cat("return ", Use("set_group"), "(", Id(c.gid), ");");
  }

 private:
  std::string Semctl(const SemId& id, std::string_view num, std::string_view rest) {
    if (rest.find("semun") != rest.npos) Use("semun");
    if (rest.find("BAD") != rest.npos) Use("BAD");
    return Cat("return semctl(", Arg(id), ", ", num, ", ", rest, ");");
  }
  std::string KeepSet(const std::string& id, std::string_view command) {
    text_.ReserveValues(9);
    Use("own_ipc");
    return Cat("return ", Use("keep_set"), "(semctl(", id, ", 0, ", command,
               ", (union semun){.buf = &ds}));");
  }
  // A key that others may know is used in an IPC namespace of one's own only.
  std::string KeyOf(const Key& key) {
    const bool is_private = !key.is_reference() && key.value == 0;
    Use(is_private ? "own_ipc" : "need_own_ipc");
    return is_private ? "IPC_PRIVATE" : Arg(key);
  }
  static std::string Msgctl(const std::string& id, const std::string& rest) {
    return Cat("return msgctl(", id, ", ", rest, ");");
  }
  static std::string Shmctl(const std::string& id, const std::string& rest) {
    return Cat("return shmctl(", id, ", ", rest, ");");
  }
  std::string KeepQueue(const std::string& id, std::string_view command) {
    text_.ReserveValues(14);
    return Cat("return ", Use("keep_queue"), "(msgctl(", id, ", ", command, ", &queue));");
  }
  std::string KeepSegment(const std::string& id, std::string_view command) {
    text_.ReserveValues(13);
    return Cat("return ", Use("keep_segment"), "(shmctl(", id, ", ", command, ", &segment));");
  }
};

}  // namespace

std::optional<std::string> SysvInC(ReproText& text, const Step& step) {
  return std::visit(
      [&](const auto& call) -> std::optional<std::string> { return Writer(text, step).Of(call); },
      step.call);
}

}  // namespace ipcspec
