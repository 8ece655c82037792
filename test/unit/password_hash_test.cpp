// Password hashes: published vectors, caps on parameters, and everything malformed refused.
#include "extension/core/password_hash.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "test/unit/support.hpp"

namespace latchkey {
namespace {

constexpr Argon2Params kCheap{64, 1, 1};

std::string Argon2Phc(const char* params, const char* salt, const char* hash_hex) {
  return std::string("$argon2id$v=19$") + params + '$' + Base64Encode(salt) + '$' +
         Base64Encode(test::FromHex(hash_hex));
}

struct Argon2Vector {
  const char* params;
  const char* password;
  const char* salt;
  const char* hash;
};

// The reference implementation's own tests (phc-winner-argon2, src/test.c), argon2id version 0x13.
constexpr Argon2Vector kArgon2Vectors[] = {
    {"m=65536,t=2,p=1", "password", "somesalt",
     "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
    {"m=256,t=2,p=1", "password", "somesalt",
     "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
    {"m=256,t=2,p=2", "password", "somesalt",
     "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
    {"m=65536,t=1,p=1", "password", "somesalt",
     "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
    {"m=65536,t=2,p=1", "differentpassword", "somesalt",
     "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"},
    {"m=65536,t=2,p=1", "password", "diffsalt",
     "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"},
};

TEST(PasswordHash, VectorsOfTheArgon2Reference) {
  for (const Argon2Vector& v : kArgon2Vectors) {
    const std::string phc = Argon2Phc(v.params, v.salt, v.hash);
    EXPECT_EQ(SchemeOf(phc), HashScheme::kArgon2id);
    EXPECT_TRUE(VerifyPhc(v.password, phc)) << phc;
    EXPECT_FALSE(VerifyPhc(std::string(v.password) + "x", phc));
    EXPECT_FALSE(VerifyPhc("", phc));
  }
}

// RFC 7914, section 12: its third vector is the one within our caps.
TEST(PasswordHash, VectorOfRfc7914) {
  const std::string phc = "$scrypt$ln=14,r=8,p=1$" + Base64Encode("SodiumChloride") + '$' +
                          Base64Encode(test::FromHex(
                              "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5"
                              "432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"));
  EXPECT_EQ(SchemeOf(phc), HashScheme::kScrypt);
  EXPECT_TRUE(VerifyPhc("pleaseletmein", phc));
  EXPECT_FALSE(VerifyPhc("pleaseletmeIn", phc));
  EXPECT_TRUE(NeedsRehash(phc, Argon2Params()));
}

TEST(PasswordHash, MakesSaltedHashesOfItsParameters) {
  const std::string hash = HashArgon2id("correct horse battery", Argon2Params());
  EXPECT_EQ(hash.rfind("$argon2id$v=19$m=19456,t=2,p=1$", 0), 0u);
  EXPECT_TRUE(VerifyPhc("correct horse battery", hash));
  EXPECT_FALSE(NeedsRehash(hash, Argon2Params()));
  EXPECT_NE(hash, HashArgon2id("correct horse battery", Argon2Params()));
  for (const Argon2Params& other :
       {Argon2Params{19457, 2, 1}, Argon2Params{19456, 3, 1}, Argon2Params{19456, 2, 2}}) {
    EXPECT_TRUE(NeedsRehash(hash, other));
  }
}

// bcrypt would stop at 72 bytes or at a zero byte.
TEST(PasswordHash, EveryByteOfThePasswordCounts) {
  for (const size_t size : {0, 1, 8, 71, 72, 73, 1000, 1024}) {
    const std::string password(size, 'p');
    const std::string hash = HashArgon2id(password, kCheap);
    EXPECT_TRUE(VerifyPhc(password, hash)) << size;
    EXPECT_FALSE(VerifyPhc(password + 'p', hash));
    EXPECT_FALSE(VerifyPhc(password + '\0', hash));
    if (size == 0) continue;
    EXPECT_FALSE(VerifyPhc(std::string(size - 1, 'p') + 'q', hash));
    EXPECT_FALSE(VerifyPhc(password.substr(1), hash));
  }
}

TEST(PasswordHash, EveryAlteredCharacterOfAHashIsRefused) {
  const std::string hash = HashArgon2id("correct horse battery", kCheap);
  test::ForEachFlippedBit(hash, [](const std::string& altered) {
    // Parameters that became huge by one bit are skipped by the caps, not computed.
    EXPECT_FALSE(VerifyPhc("correct horse battery", altered)) << altered;
  });
  test::ForEachTruncation(hash, [](const std::string& cut) {
    EXPECT_FALSE(VerifyPhc("correct horse battery", cut)) << cut;
  });
}

std::string WithArgon2(const std::string& params) {
  return "$argon2id$v=19$" + params + "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc";
}
std::string WithScrypt(const std::string& params) {
  return "$scrypt$" + params + "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc";
}

TEST(PasswordHash, CapsOfArgon2Parameters) {
  for (const char* params : {"m=8,t=1,p=1", "m=262144,t=16,p=16", "m=128,t=1,p=16"}) {
    EXPECT_EQ(SchemeOf(WithArgon2(params)), HashScheme::kArgon2id) << params;
  }
  for (const char* params :
       {"m=262145,t=1,p=1", "m=64,t=17,p=1", "m=4096,t=1,p=17", "m=7,t=1,p=1", "m=127,t=1,p=16",
        "m=0,t=1,p=1", "m=64,t=0,p=1", "m=64,t=1,p=0", "m=4294967295,t=1,p=1",
        "m=4294967296,t=1,p=1", "m=4294967360,t=1,p=1", "m=64,t=4294967297,p=1",
        "m=64,t=1,p=536870912", "m=18446744073709551680,t=1,p=1"}) {
    EXPECT_EQ(SchemeOf(WithArgon2(params)), HashScheme::kUnknown) << params;
    EXPECT_FALSE(VerifyPhc("password", WithArgon2(params)));
  }
}

TEST(PasswordHash, CapsOfScryptParameters) {
  for (const char* params :
       {"ln=1,r=1,p=1", "ln=17,r=8,p=1", "ln=18,r=8,p=1", "ln=16,r=32,p=1", "ln=15,r=1,p=4"}) {
    EXPECT_EQ(SchemeOf(WithScrypt(params)), HashScheme::kScrypt) << params;
    EXPECT_NO_THROW(VerifyPhc("password", WithScrypt(params))) << params;
  }
  for (const char* params :
       {"ln=0,r=8,p=1", "ln=19,r=8,p=1", "ln=22,r=1,p=1", "ln=64,r=8,p=1", "ln=14,r=33,p=1",
        "ln=14,r=0,p=1", "ln=14,r=8,p=0", "ln=14,r=8,p=5", "ln=4294967297,r=8,p=1"}) {
    EXPECT_EQ(SchemeOf(WithScrypt(params)), HashScheme::kUnknown) << params;
    EXPECT_FALSE(VerifyPhc("password", WithScrypt(params)));
  }
}

// RFC 7914, section 6: N must be below 2^(128·r/8). Such a hash can't exist, so it is of no known
// scheme.
TEST(PasswordHash, ScryptWhoseCostExceedsItsBlockIsUnknown) {
  for (const char* params : {"ln=16,r=1,p=1", "ln=17,r=1,p=1", "ln=21,r=1,p=4"}) {
    EXPECT_EQ(SchemeOf(WithScrypt(params)), HashScheme::kUnknown) << params;
    EXPECT_FALSE(VerifyPhc("password", WithScrypt(params))) << params;
  }
}

TEST(PasswordHash, MalformedStringsAreUnknown) {
  const std::vector<std::string> bad = {
      "",
      "$",
      "$$",
      "$$$$$",
      "plain text",
      "argon2id",
      "$argon2id",
      "$argon2id$",
      WithArgon2("m=64,t=1"),
      WithArgon2("m=64,t=1,p=1,"),
      WithArgon2("m=64,t=1,p=1,x=1"),
      WithArgon2("t=1,m=64,p=1"),
      WithArgon2("m=64;t=1;p=1"),
      WithArgon2("m=,t=1,p=1"),
      WithArgon2("m=+64,t=1,p=1"),
      WithArgon2("m=-64,t=1,p=1"),
      WithArgon2("m= 64,t=1,p=1"),
      WithArgon2("m=64 ,t=1,p=1"),
      WithArgon2("m=0x40,t=1,p=1"),
      WithArgon2("m=64.0,t=1,p=1"),
      WithArgon2("M=64,t=1,p=1"),
      WithArgon2(""),
      WithArgon2("m=64,t=1,p=1") + "$",
      " " + WithArgon2("m=64,t=1,p=1"),
      WithArgon2("m=64,t=1,p=1") + "\n",
      WithArgon2("m=64,t=1,p=1") + "=",
      "x" + WithArgon2("m=64,t=1,p=1"),
      "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc",
      "$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc",
      "$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc",
      "$argon2id$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc",
      "$argon2id$v=19$m=64,t=1,p=1$$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc",
      "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$",
      "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ",
      "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc",
      "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1a",
      "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPP-",
      "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" + Base64Encode(std::string(65, 'h')),
      "$argon2id$v=19$m=64,t=1,p=1$" + Base64Encode(std::string(65, 's')) +
          "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc",
      WithScrypt("ln=14,r=8"),
      WithScrypt("n=14,r=8,p=1"),
      WithScrypt("ln=14,r=8,p=1") + "$x",
      "$6$rounds=5000$salt$hash",
      "$pbkdf2-sha256$i=1000$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c"};
  for (const std::string& hash : bad) {
    EXPECT_EQ(SchemeOf(hash), HashScheme::kUnknown) << hash;
    EXPECT_FALSE(VerifyPhc("password", hash)) << hash;
    EXPECT_TRUE(NeedsRehash(hash, Argon2Params()));
  }
  EXPECT_EQ(SchemeOf(WithArgon2("m=64,t=1,p=1").insert(5, 1, '\0')), HashScheme::kUnknown);
}

// The form of "U*U" in crypt_blowfish's own tests.
constexpr char kBcrypt[] = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

TEST(PasswordHash, RecognisesBcryptOfThreePrefixes) {
  for (const char kind : {'a', 'b', 'y'}) {
    std::string hash = kBcrypt;
    hash[2] = kind;
    EXPECT_EQ(SchemeOf(hash), HashScheme::kBcrypt) << hash;
    EXPECT_EQ(BcryptAs2a(hash), kBcrypt);
    EXPECT_TRUE(NeedsRehash(hash, Argon2Params()));
    EXPECT_FALSE(VerifyPhc("U*U", hash));
  }
  for (const char kind : {'x', 'c', '$', 'A', '\0', '1'}) {
    std::string hash = kBcrypt;
    hash[2] = kind;
    EXPECT_EQ(SchemeOf(hash), HashScheme::kUnknown) << hash;
  }
}

TEST(PasswordHash, BcryptCostIsCapped) {
  for (int cost = 0; cost < 100; ++cost) {
    std::string hash = kBcrypt;
    hash[4] = static_cast<char>('0' + cost / 10);
    hash[5] = static_cast<char>('0' + cost % 10);
    const bool fits = cost >= 4 && cost <= 15;
    EXPECT_EQ(SchemeOf(hash), fits ? HashScheme::kBcrypt : HashScheme::kUnknown) << cost;
  }
}

TEST(PasswordHash, MalformedBcryptIsUnknown) {
  test::ForEachTruncation(kBcrypt, [](const std::string& cut) {
    EXPECT_EQ(SchemeOf(cut), HashScheme::kUnknown) << cut;
  });
  const std::string longer = std::string(kBcrypt) + "x";
  EXPECT_EQ(SchemeOf(longer), HashScheme::kUnknown);
  for (const size_t place : {0, 1, 3, 4, 5, 6, 7, 28, 29, 59}) {
    for (const char c : {'$', ' ', '-', '+', '_', '=', ':', '\n', '\0', '\x80'}) {
      std::string hash = kBcrypt;
      if (hash[place] == c) continue;
      hash[place] = c;
      EXPECT_EQ(SchemeOf(hash), HashScheme::kUnknown) << hash;
    }
  }
}

}  // namespace
}  // namespace latchkey
