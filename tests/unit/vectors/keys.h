/*
 * keys: test vectors of the DPoP key and of proofs, as the vendor publishes
 * them (schema cullis-test-vectors-v1; the keys are public test material).
 */
#ifndef VECTORS_KEYS_H
#define VECTORS_KEYS_H

#define VECTOR_X "EVs_o5-uQbTjL3chynL4wXgUg2R9q9UU8I5mEovUf84"
#define VECTOR_Y "kGe5DgSIycKp8w9aJmoHhB1sB3QTugfnRWm5nU_TzsY"
#define VECTOR_D "evZzL1gdAFr88hb2OF_2NxApJCzGCEDdfSp6VQO30hw"
#define VECTOR_JKT "19J8y7Zprt2-QKLjF2I5pVk0OELX6cY2AfaAv1LC_w8"
#define VECTOR_JWK                                            \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" VECTOR_X \
	"\",\"y\":\"" VECTOR_Y "\",\"d\":\"" VECTOR_D "\"}"
#define VECTOR_PEM                                                           \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n" \
	"OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n" \
	"1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"         \
	"-----END PRIVATE KEY-----\n"

/* A key whose x and d begin with a zero byte, written in full and with the
 * zero left out. */
#define SHORT_Y "g9lsX7YUaP7YTnqD0jAvvXOT8qAISkVJgrHlNAMB5A0"
#define SHORT_JWK_FULL                                           \
	"{\"kty\":\"EC\",\"crv\":\"P-256\","                     \
	"\"x\":\"AC7G-qMicNJjg6XGAwHcmN5oq_QqO0_2zthCyfOkcJg\"," \
	"\"y\":\"" SHORT_Y "\","                                 \
	"\"d\":\"AL8-BHqrcJJhBe5imgSIb10K_DH27SJ_Khrr8vLD51I\"}"
#define SHORT_JWK_CUT                                           \
	"{\"kty\":\"EC\",\"crv\":\"P-256\","                    \
	"\"x\":\"Lsb6oyJw0mODpcYDAdyY3mir9Co7T_bO2ELJ86RwmA\"," \
	"\"y\":\"" SHORT_Y "\","                                \
	"\"d\":\"vz4EeqtwkmEF7mKaBIhvXQr8MfbtIn8qGuvy8sPnUg\"}"

/* dpop_basic_post_no_ath */
#define VECTOR_PROOF_POST                                                     \
	"eyJhbGciOiJFUzI1NiIsImp3ayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI" \
	"6IkVWc19vNS11UWJUakwzY2h5bkw0d1hnVWcyUjlxOVVVOEk1bUVvdlVmODQiLCJ5Ij" \
	"oia0dlNURnU0l5Y0twOHc5YUptb0hoQjFzQjNRVHVnZm5SV201blVfVHpzWSJ9LCJ0e" \
	"XAiOiJkcG9wK2p3dCJ9.eyJqdGkiOiJ0ZXN0LWp0aS0wMDAxIiwiaHRtIjoiUE9TVCI" \
	"sImh0dSI6Imh0dHBzOi8vYnJva2VyLmV4YW1wbGUuY29tL3YxL2F1dGgvdG9rZW4iLC" \
	"JpYXQiOjE3MDAwMDAwMDAsIm5vbmNlIjoic2VydmVyLW5vbmNlLWZpeGVkLTAwMSJ9." \
	"lUz6j8Fvfh-b1DZCUXZPsGMPHMcRWSQ9nk-MwunlHw96q256qT018SYVxl2mtNDn2lS" \
	"36LylejZaLy3FXlufkg"

/* dpop_get_with_ath; the access token is VECTOR_TOKEN */
#define VECTOR_TOKEN "fake-access-token"
#define VECTOR_ATH "DtZ-eDliNvBox_A7Xdly-2TQvaz-Vr0RAsBHvK3nmIc"
#define VECTOR_PROOF_GET                                                      \
	"eyJhbGciOiJFUzI1NiIsImp3ayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI" \
	"6IkVWc19vNS11UWJUakwzY2h5bkw0d1hnVWcyUjlxOVVVOEk1bUVvdlVmODQiLCJ5Ij" \
	"oia0dlNURnU0l5Y0twOHc5YUptb0hoQjFzQjNRVHVnZm5SV201blVfVHpzWSJ9LCJ0e" \
	"XAiOiJkcG9wK2p3dCJ9.eyJqdGkiOiJ0ZXN0LWp0aS0wMDAyIiwiaHRtIjoiR0VUIiw" \
	"iaHR1IjoiaHR0cHM6Ly9icm9rZXIuZXhhbXBsZS5jb20vdjEvc2Vzc2lvbnMvYWJjIi" \
	"wiaWF0IjoxNzAwMDAwMDYwLCJub25jZSI6InNlcnZlci1ub25jZS1maXhlZC0wMDIiL" \
	"CJhdGgiOiJEdFotZURsaU52Qm94X0E3WGRseS0yVFF2YXotVnIwUkFzQkh2SzNubUlj" \
	"In0.nw1S5D7h2b-AI2Dd6icpBE2-jQpJpzkTQK7cIBuUAAT77aYs3MPu7qe_cFb4ZV_" \
	"4wcVm2vRJgHXeY_Zhnk01ag"

#endif
