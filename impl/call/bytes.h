// Bytes that tell where they belong, and the text form of bytes.
//
// A long write is made of a pattern: words of eight bytes, each with the letter of its stream, its
// number and a full stop ("A00001f.A000020."). Any 16 bytes hold one whole word, so a reader sees
// at once which stream a stretch is from and at what offset; swapped, doubled and lost parts show.
//
// As text, bytes are one or more pieces joined by '+':
//   "abc\n\x01"   "x"*500   pattern(A, 8, 4096)
// All of it is exact: what QuoteBytes prints, ParseBytes reads back.
#ifndef IPCSPEC_IMPL_CALL_BYTES_H_
#define IPCSPEC_IMPL_CALL_BYTES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "impl/call/cursor.h"

namespace ipcspec {

// The most that one value may hold as text; a longer one is an error of ParseBytes.
inline constexpr int64_t kMaxDataBytes = int64_t{16} << 20;

// `length` bytes of the endless stream `tag` from `offset` on. The stream repeats after 128 MiB.
// REQUIRES: `tag` is a letter; offset and length are not negative.
std::string Pattern(char tag, int64_t offset, int64_t length);

// The text form: runs of one byte from 16 on and stretches of a pattern from 24 on are short.
std::string QuoteBytes(std::string_view bytes);

// Reads the text form at the cursor; false iff it fails (Cursor::status tells).
bool ParseBytes(Cursor& cursor, std::string* bytes);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_BYTES_H_
