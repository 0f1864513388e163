// What System V semaphores, messages and shared memory have in common (sysvipc(7)): objects that
// are found by key or by identifier, with an owner, a creator, nine permission bits and times.
//
// Keys and identifiers. A program agrees with others on a key; *get turns it into an identifier,
// which names one object until that is removed. IPC_PRIVATE is no key: it always makes an object
// that no key finds. The kernel keeps the objects of a kind in a table, and an identifier is
//     sequence number * size of the table + index in the table,
// so that one that was removed is not soon taken for another: identifiers are not recycled as soon
// as they are free. Once the sequence number was raised with each removal and the lowest free index
// taken. Now indices are taken in turn, from a window of 64 or half as many again as there are
// objects, and the number is raised when they start over. No document promises either: any
// identifier is allowed that no object has and that none had lately. The table has 2^15 places, or
// 2^24 when the kernel was booted with ipcmni_extend.
//
// Nothing here knows what an object is for.
#ifndef IPCSPEC_IMPL_MECHANISM_SYSV_IDS_H_
#define IPCSPEC_IMPL_MECHANISM_SYSV_IDS_H_

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "impl/mechanism/step.h"

namespace ipcspec {

inline constexpr int kIpcRead = 4;
inline constexpr int kIpcWrite = 2;  // "alter", of a semaphore set

// Bits of an identifier that are the index in the kernel's table: usually, and with ipcmni_extend.
inline constexpr int kIpcIndexBits = 15;
inline constexpr int kIpcIndexBitsExtended = 24;

// Name, owner and permissions of an object: struct ipc_perm of sysvipc(7).
struct IpcPerm {
  int64_t id = 0;
  bool told = true;  // false: `id` is a guess, as *get was killed before it showed it
  int32_t key = 0;
  int64_t uid = 0, gid = 0;    // owner
  int64_t cuid = 0, cgid = 0;  // creator, for ever
  int64_t mode = 0;            // nine bits
  int64_t set_at = -1;         // IPC_SET last came no later than this (ns), -1: never

  // The object as *get makes it: the caller is owner and creator.
  static IpcPerm New(int64_t key, int64_t flags, const Caller& caller);

  // Whether the caller lacks some of `want` (kIpcRead, kIpcWrite), so that EACCES is the outcome.
  // Permissions are checked early in a call: one that was made before the last IPC_SET may go on
  // by what it found then.
  bool Denies(int want, const Caller& caller, const Choice& choice) const;
  // The same for the nine bits in the flags of *get. Of bits that mean nothing (execute) or that
  // are asked for another class than the caller's, the documents leave open whether they count.
  bool DeniesFlags(int64_t flags, const Caller& caller, const Choice& choice) const;
  // Whether the caller is owner or creator, or privileged: IPC_SET and IPC_RMID (else EPERM).
  bool MayControl(const Caller& caller) const;
  // What IPC_SET asks for before it changes owner and group: EPERM, or EINVAL for an id that is
  // none.
  void CheckSet(int64_t new_uid, int64_t new_gid, const Caller& caller, const Choice& choice,
                Errors& errors) const;
  // IPC_SET: owner and mode change, the creator and the key never do.
  void Set(int64_t new_uid, int64_t new_gid, int64_t new_mode, const Caller& caller);

  // Appends to the values what IPC_STAT and the like give first: key, uid, gid, cuid, cgid, mode.
  // Of the mode only nine bits mean anything (those that shared memory adds are its own affair).
  void Show(Choice& choice, Outcome& outcome) const;
  // The same for a line of /proc/sysvipc (proc_sysvipc(5)): key, identifier and mode, and later in
  // the line uid, gid, cuid, cgid.
  void ListName(Choice& choice, Outcome& outcome) const;
  void ListOwners(Choice& choice, Outcome& outcome) const;

  bool operator==(const IpcPerm&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const IpcPerm& p) {
    return H::combine(std::move(h), p.id, p.key, p.uid, p.gid, p.mode);
  }

 private:
  int64_t ShownMode(size_t field, Choice& choice) const;  // at values[field]
  int ClassShift(const Credentials& creds) const;         // 6 owner, 3 group, 0 others
  int Granted(const Caller& caller) const;                // of kIpcRead, kIpcWrite and execute
};

// Seconds since the epoch at which something last happened, as far as it is known: within
// [lowest, highest], and 0 for never. Each event raises both bounds, whatever the order, so that
// explanations which differ in the order alone stay equal.
class IpcTime {
 public:
  // It happened.
  void Touch(const Caller& caller);
  // It may have happened, the documents do not say; and whether Linux has it so.
  void MayTouch(const Caller& caller, bool usually);
  // What the seen values[field] may be: that, or the likeliest.
  int64_t Read(size_t field, Choice& choice) const {
    return choice.Value(field, lowest_, highest_, usual_);
  }

  // `usual_` only serves Read(): states that differ in it allow the same.
  bool operator==(const IpcTime& o) const { return lowest_ == o.lowest_ && highest_ == o.highest_; }

 private:
  int64_t lowest_ = 0;
  int64_t highest_ = 0;
  int64_t usual_ = 0;
};

// The identifier that was asked for by sem_next_id, msg_next_id or shm_next_id (the kernel's
// admin-guide/sysctl/kernel), -1 for none: making one object uses it up.
int64_t TakeNextId(const Caller& caller, Limit next_id);

// Which identifiers were freed, and the order in which Linux hands them out.
class IpcIds {
 public:
  // An identifier as Linux gives it to a new object beside those that live.
  int64_t Usual(absl::Span<const int64_t> living) const;
  // Whether the number may name a new object, as far as removed ones go.
  bool Fresh(int64_t id) const { return id >= 0 && id <= INT32_MAX && !WasFreed(id); }
  bool WasFreed(int64_t id) const;

  void Take(int64_t id) { last_ = id; }
  void Free(int64_t id);

  // `last_` only serves Usual(): states that differ in it allow the same.
  bool operator==(const IpcIds& o) const { return freed_ == o.freed_; }

 private:
  std::vector<int32_t> freed_;  // sorted: the order of removals does not tell states apart
  int64_t last_ = -1;
};

// The objects of one kind. T has a member `IpcPerm perm`, and is hashable and comparable.
template <class T>
class IpcTable {
 public:
  // Null when there is none.
  const T* Find(int64_t id) const {
    const size_t at = Position(id);
    return at < objects_.size() && objects_[at].perm.id == id ? &objects_[at] : nullptr;
  }
  T* Find(int64_t id) { return const_cast<T*>(std::as_const(*this).Find(id)); }
  // Null when there is none; IPC_PRIVATE (0) finds none.
  T* FindKey(int64_t key) {
    if (static_cast<int32_t>(key) == 0) return nullptr;
    for (T& object : objects_) {
      if (object.perm.key == static_cast<int32_t>(key)) return &object;
    }
    return nullptr;
  }
  bool WasRemoved(int64_t id) const { return ids_.WasFreed(id); }

  // A new object; returns its identifier: the one seen if it is allowed. Nobody promises that it is
  // the one asked for (TakeNextId), but then it may be one that was removed.
  int64_t Add(T object, Choice& choice, int64_t asked = -1) {
    object.perm.told = choice.SawSuccess();
    const int64_t id = NewId(choice, asked);
    if (asked < 0) ids_.Take(id);
    Insert(std::move(object), id);
    return id;
  }

  // The identifier of an object that *get found. A guess gives way to what is seen.
  int64_t Tell(T* object, Choice& choice) {
    if (object->perm.told || !choice.SawSuccess()) return object->perm.id;
    return Add(Extract(object), choice);
  }

  void Remove(T* object) {
    if (object->perm.told) ids_.Free(object->perm.id);
    Extract(object);
  }

  // The highest index in use, 0 when there is no object (IPC_INFO): the one seen if it is allowed.
  int64_t HighestIndex(const Dialect& dialect, Choice& choice) {
    const int64_t usual = HighestIndex(kIpcIndexBits);
    // gVisor keeps a table of indices that identifiers do not show.
    if (dialect.kernel == Dialect::Kernel::kGvisor || FindUntold() != nullptr) {
      return choice.Number(0, INT32_MAX, usual);
    }
    const int64_t extended = HighestIndex(kIpcIndexBitsExtended);
    return choice.Number(extended, extended, usual);
  }

  // The object at an index of the kernel's table (SEM_STAT and the like): of those that may be
  // meant the one whose identifier was seen. Null: EINVAL is the outcome.
  T* AtIndex(int64_t index, const Dialect& dialect, Choice& choice) {
    if (index < 0) return nullptr;
    const bool hidden = dialect.kernel == Dialect::Kernel::kGvisor || FindUntold() != nullptr;
    if (hidden && choice.SawSuccess()) {
      const int64_t id = choice.seen()->ret;
      if (Find(id) == nullptr && FindUntold() != nullptr) Tell(FindUntold(), choice);
      return Find(id);
    }
    T* found = nullptr;
    bool unused = hidden;  // under one reading nothing is there
    for (const int bits : {kIpcIndexBits, kIpcIndexBitsExtended}) {
      T* const reading = WithIndex(index, bits);
      // Linux takes the low bits of a number that is too high for an index.
      if (reading == nullptr || (index >> bits) != 0) unused = true;
      const bool seen =
          reading != nullptr && choice.SawSuccess() && choice.seen()->ret == reading->perm.id;
      if (found == nullptr || seen) found = reading;
    }
    return unused && choice.SawError(EINVAL) ? nullptr : found;
  }

  // The objects as /proc/sysvipc lists them, `columns` numbers each, of which the first two are key
  // and identifier: guesses give way to what is seen.
  absl::Span<const T> Listed(size_t columns, Choice& choice) {
    if (choice.SawSuccess()) {
      const auto& values = choice.seen()->values;
      for (size_t i = 0; i + columns <= values.size(); i += columns) {
        Identify(values[i], values[i + 1]);
      }
    }
    return objects_;
  }

  absl::Span<T> all() { return absl::MakeSpan(objects_); }
  absl::Span<const T> all() const { return objects_; }

  bool operator==(const IpcTable&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const IpcTable& t) {
    return H::combine(std::move(h), t.objects_);
  }

 private:
  size_t Position(int64_t id) const {
    const auto before = [](const T& object, int64_t want) { return object.perm.id < want; };
    return std::lower_bound(objects_.begin(), objects_.end(), id, before) - objects_.begin();
  }
  void Insert(T object, int64_t id) {
    object.perm.id = id;
    objects_.insert(objects_.begin() + Position(id), std::move(object));
  }
  T Extract(T* object) {
    T extracted = std::move(*object);
    objects_.erase(objects_.begin() + (object - objects_.data()));
    return extracted;
  }
  // The first object whose identifier is a guess; null when there is none.
  T* FindUntold() {
    for (T& object : objects_) {
      if (!object.perm.told) return &object;
    }
    return nullptr;
  }
  int64_t HighestIndex(int bits) const {
    int64_t highest = 0;
    for (const T& object : objects_) {
      highest = std::max(highest, object.perm.id & ((int64_t{1} << bits) - 1));
    }
    return highest;
  }
  T* WithIndex(int64_t index, int bits) {
    const int64_t mask = (int64_t{1} << bits) - 1;
    for (T& object : objects_) {
      if ((object.perm.id & mask) == (index & mask)) return &object;
    }
    return nullptr;
  }
  // An object of this key and identifier was seen.
  void Identify(int64_t key, int64_t id) {
    if (T* const known = Find(id)) {
      known->perm.told = true;
      return;
    }
    for (T& object : objects_) {
      if (object.perm.told || object.perm.key != static_cast<int32_t>(key)) continue;
      T guessed = Extract(&object);
      guessed.perm.told = true;
      ids_.Take(id);
      Insert(std::move(guessed), id);
      return;
    }
  }
  int64_t NewId(Choice& choice, int64_t asked) {
    const int64_t id = choice.SawSuccess() ? choice.seen()->ret : -1;
    if (ids_.Fresh(id) || (asked >= 0 && 0 <= id && id <= INT32_MAX)) {
      T* const guessed = Find(id);
      if (guessed == nullptr) return id;
      if (!guessed->perm.told) {  // its guess was wrong
        T moved = Extract(guessed);
        Insert(std::move(moved), UsualId(id));
        return id;
      }
    }
    return asked < 0 ? UsualId(-1) : NextUnused(asked);
  }
  // Linux keeps the sequence number that was asked for, and takes the next index that is free.
  int64_t NextUnused(int64_t id) {
    while (WithIndex(id, kIpcIndexBits) != nullptr) ++id;
    return id;
  }
  // `taken` counts as living too.
  int64_t UsualId(int64_t taken) const {
    std::vector<int64_t> living;
    if (taken >= 0) living.push_back(taken);
    for (const T& object : objects_) living.push_back(object.perm.id);
    return ids_.Usual(living);
  }

  std::vector<T> objects_;  // by identifier
  IpcIds ids_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_SYSV_IDS_H_
