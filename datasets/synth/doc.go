// Package synth makes raw recordings and pictures that stand in for a dataset's: words,
// sounds, the movements of a phone, traffic signs, and the view of a robot. They are
// made to be run through the feature extraction and the networks that the real ones go
// through, and not to resemble them: nothing measured on them says anything about the
// real ones.
//
// Generation has two steps. The first draws a recipe: what makes a class a class, or a
// video a video. The second draws recordings from it:
//
//	recipe               who or what varies          recording
//	[NewWord]            [NewVoice]                  [Word.Say]
//	[NewSound]                                       [Sound.Play]
//	[NewMotion]          [NewPerson]                 [Motion.Record]
//	[NewPlate]           [Plate.Track]               [Track.Draw]
//	[NewScene]                                       [Scene.Draw]
//
// Both steps take all that is random from the generator they are given, so equal
// generators make equal recordings: to the bit on one kind of processor, since another
// may round a sum of products differently. A recipe does not change once it is drawn:
// any number of goroutines can record from it, each with its own generator.
//
// What is recorded differs so much within a class, on purpose, that small networks are
// right about most recordings and not about all.
package synth
