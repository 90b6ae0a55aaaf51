"""Japanese for the messages of `colorizer` that visitors see: English with numbered gaps -> Japanese with the same.

Where two match, the first counts.
"""

MESSAGES = {
    # pictures (colorizer.images, colorizer.lineart)
    "The file is empty; save or download the picture again.": (
        "ファイルが空です。画像をもう一度保存するかダウンロードしてください。"
    ),
    "The file is larger than {0} MB; save a smaller one.": (
        "ファイルが{0} MBを超えています。もっと小さく保存してください。"
    ),
    "The picture is {0} x {1} pixels, but a side may have at most {2}; make it smaller.": (
        "画像は{0} x {1}ピクセルです。1辺は{2}ピクセルまでなので、小さくしてください。"
    ),
    "The picture is {0} x {1} pixels, more than {2} megapixels; make it smaller.": (
        "画像は{0} x {1}ピクセルで、{2}メガピクセルを超えています。小さくしてください。"
    ),
    "The picture is {0} x {1} pixels, but each side needs at least {2}; use a larger picture.": (
        "画像は{0} x {1}ピクセルです。各辺に{2}ピクセル以上必要なので、大きい画像を使ってください。"
    ),
    "The picture is {0} x {1} pixels, longer than {2}:1; crop it.": (
        "画像は{0} x {1}ピクセルで、縦横比が{2}:1を超えています。切り抜いてください。"
    ),
    "The picture is damaged or incomplete; save or download it again.": (
        "画像が壊れているか途中で切れています。もう一度保存するかダウンロードしてください。"
    ),
    "The picture has more than {0} megapixels; make it smaller.": (
        "画像が{0}メガピクセルを超えています。小さくしてください。"
    ),
    "This is not a PNG, JPEG, WebP, AVIF, BMP, GIF or TIFF picture; convert it to one of them.": (
        "PNG、JPEG、WebP、AVIF、BMP、GIF、TIFFのどれでもありません。いずれかに変換してください。"
    ),
    "{0} cannot be read ({1}); check its name and place.": "{0}を読めません（{1}）。名前と場所を確かめてください。",
    "There is no preparation {0}; choose one of {1}.": "下処理{0}はありません。{1}から選んでください。",
    "The sketch shows no lines; choose another sketch preparation or another picture.": (
        "線画に線が見つかりません。下処理か画像を変えてください。"
    ),
    # generation (colorizer.pipeline, locked_model, memory_retry)
    "There is not enough memory for a picture of {0} pixels; choose a smaller size.": (
        "{0}ピクセルの絵を作るにはメモリーが足りません。サイズを小さくしてください。"
    ),
    "There is no sketch; add the line art to be coloured.": "線画がありません。彩色する線画を入れてください。",
    "The model gave invalid numbers (NaN); lower the guidance scales or choose dtype float32.": (
        "モデルの計算結果が数値になりませんでした（NaN）。参照と線画の強さを下げるか、dtypeをfloat32にしてください。"
    ),
    "Edits change a reference and there is none; add a reference or remove the edits.": (
        "編集するには参照画像が必要です。参照画像を入れるか、編集を外してください。"
    ),
    # parameters in pictures (colorizer.png)
    "The picture's stored parameters are over {0} KB; they are not from this program.": (
        "画像の中の設定が{0} KBを超えています。このプログラムのものではありません。"
    ),
    "The picture's stored parameters are damaged; it cannot be used to load settings.": (
        "画像の中の設定が壊れているため、読み込めません。"
    ),
    "The picture's parameters are of another format; it was made by another version.": (
        "画像の中の設定の形式が違います。別の版で作られた画像です。"
    ),
    "The file is no PNG picture; only PNG pictures hold parameters.": (
        "PNG画像ではありません。設定が入っているのはPNG画像だけです。"
    ),
    "{0} is no PNG picture; only PNG pictures hold parameters.": (
        "{0}はPNG画像ではありません。設定が入っているのはPNG画像だけです。"
    ),
    # settings (colorizer.settings)
    "{0} is {1}; it must be a whole number from {2} to {3}.": "{0}は{1}ですが、{2}から{3}までの整数にしてください。",
    "{0} is {1}; it must be a number from {2} to {3}.": "{0}は{1}ですが、{2}から{3}までの数にしてください。",
    "seed is {0}; for {1} images it can be at most {2}.": "シードは{0}ですが、{1}枚作るときは{2}までです。",
    "{0} is {1}; choose one of {2}.": "{0}は{1}ですが、{2}から選んでください。",
    "edits must be a list of edits.": "editsは編集のリストにしてください。",
    "There are {0} edits; at most {1} are taken.": "編集が{0}個あります。{1}個までにしてください。",
    "The texts and masks of the edits are too long together; shorten or remove some.": (
        "編集の文と塗った範囲が全部で長すぎます。短くするか減らしてください。"
    ),
    "The settings must be a JSON object, not {0}.": "設定は{0}ではなくJSONオブジェクトにしてください。",
    "Unknown settings: {0}; remove them.": "知らない設定があります：{0}。取り除いてください。",
    (
        "{0} steps of {1} pictures of {2} pixels are too much for one run; at this size and number at most {3} "
        "steps are taken."
    ): ("{2}ピクセルの絵{1}枚を{0}ステップで作るのは1回には多すぎます。このサイズと枚数では{3}ステップまでです。"),
    "There are {0} references; at most {1} are taken.": "参照画像が{0}枚あります。{1}枚までにしてください。",
    "All references have the weight 0; give one of them more, or remove them.": (
        "すべての参照画像の重みが0です。どれかを上げるか、外してください。"
    ),
    "reference_regions must be painted regions.": "reference_regionsは塗った範囲にしてください。",
    "reference_regions must be a list.": "reference_regionsはリストにしてください。",
    "{0} must be a list of at most {1}.": "{0}は{1}個までのリストにしてください。",
    "{0} is {1}; it must be true or false.": "{0}は{1}ですが、trueかfalseにしてください。",
    # edits by words (colorizer.manipulation, colorizer.region_report)
    "The target text is empty; write what you want to see.": "ターゲットの文が空です。見たいものを書いてください。",
    "The anchor text is empty; leave the anchor out or write one.": (
        "アンカーの文が空です。アンカーを外すか、文を書いてください。"
    ),
    "The control text is empty; give a text that names a region.": "対象の文が空です。場所を表す言葉を書いてください。",
    "The control text is empty; write one or {0}.": "対象の文が空です。文か{0}を書いてください。",
    "The {0} text is empty; {1}.": "{0}の文が空です。文を書いてください。",
    "The {0} text has {1} characters; at most {2} are taken.": "{0}の文は{1}文字あります。{2}文字までにしてください。",
    "The {0} must be a text, not {1}.": "{0}は{1}ではなく文にしてください。",
    "The {0} must be a number from {1} to {2}, not {3}.": "{0}は{3}ではなく、{1}から{2}までの数にしてください。",
    "The mode must be {0}, not {1}.": "modeは{1}ではなく{0}にしてください。",
    "The region mask must be written like {0}, rows joined by {1}.": (
        "塗った範囲は{0}のように、行を{1}でつないで書きます。"
    ),
    "An edit must be an object with a target, not {0}.": "編集は{0}ではなく、ターゲットを持つものにしてください。",
    "An edit has no setting {0}; it has {1}.": "編集に{0}という設定はありません。あるのは{1}です。",
    "An edit needs a target text.": "編集にはターゲットの文が必要です。",
    "{0} is over {1} KB; a list of edits is smaller.": "{0}が{1} KBを超えています。編集のリストにしては大きすぎます。",
    "{0} must hold a list of at most {1} edits.": "{0}には{1}個までの編集のリストを入れてください。",
    "Cannot read {0}: {1}.": "{0}を読めません（{1}）。",
    "{0} is not a JSON file: {1}.": "{0}はJSONファイルではありません（{1}）。",
    "{0} is not understood; write yes or no.": "{0}がわかりません。yesかnoで書いてください。",
    "{0} is not understood; write numbers, with commas between several.": (
        "{0}がわかりません。数を書き、複数あるときはコンマで区切ってください。"
    ),
    "{0} must be yes or no, not {1}.": "{0}は{1}ではなくyesかnoにしてください。",
    "Edit part {0} is not understood; write key=value with {1}.": (
        "編集の「{0}」がわかりません。{1}を使ってkey=valueの形で書いてください。"
    ),
    "The edit gives {0} twice; give it once.": "編集に{0}が2回あります。1回にしてください。",
    "A degree strip shows {0} to {1} pictures, not {2}.": "段階の並びは{0}～{1}枚です（{2}枚は作れません）。",
    "The strip's first scale {0} must be below its last {1}.": "最初の強さ{0}は最後の強さ{1}より小さくしてください。",
    "Model kind {0} is unknown; the checkpoint must say {1}.": "モデルの種類{0}がわかりません（{1}のどちらかです）。",
    "Relevance polarity {0} is unknown; the checkpoint must say {1}.": (
        "関連度の向き{0}がわかりません（{1}のどちらかです）。"
    ),
    "Mask mode {0} is unknown; use add, remove or replace.": (
        "範囲のモード{0}はありません。add、remove、replaceのどれかにしてください。"
    ),
    "A painted region needs 1 to {0} rows of one length, at most {1} signs.": (
        "塗った範囲は、同じ長さの1～{0}行、1行{1}文字までにしてください。"
    ),
    "A painted region is written with the signs {0} (belongs), {1} (does not) and {2} (by the text).": (
        "塗った範囲は{0}（含む）、{1}（含まない）、{2}（文に任せる）の記号で書きます。"
    ),
    "A painted region is written as one text, rows joined by {0}, like {1}.": (
        "塗った範囲は{1}のように、行を{0}でつないだ1つの文で書きます。"
    ),
    "The painted region has {0} x {1} cells but this model's token grid is {2} x {3}; paint it again for this model.": (
        "塗った範囲は{0} x {1}マスですが、このモデルは{2} x {3}マスです。このモデルで塗り直してください。"
    ),
    "Four thresholds ts0, ts1, ts2, ts3 are needed, not {0}.": "しきい値はts0～ts3の4つが必要です（今は{0}）。",
    "Threshold ts{0} = {1} must lie between 0 and 1 (neither included).": (
        "しきい値ts{0} = {1}は0より大きく1より小さくしてください。"
    ),
    "Thresholds must increase: ts{0} = {1} is not below ts{2} = {3}; move one.": (
        "しきい値は小さい順にします。ts{0} = {1}がts{2} = {3}より小さくなるよう動かしてください。"
    ),
    "The opacity is {0}; it must be a number from 0 to 1.": "不透明度は{0}ですが、0から1までの数にしてください。",
    "{0} means all tokens; give a text that names a region.": "{0}は全体を指します。範囲を表す文を書いてください。",
    "This model edits the whole picture and has no regions; use an attention model for a heatmap.": (
        "このモデルは絵全体を編集するため、範囲がありません。ヒートマップにはAttentionモデルを使ってください。"
    ),
    'The text "{0}" does not tell regions of this picture apart; try another.': (
        "「{0}」ではこの絵の範囲を区別できません。別の文を試してください。"
    ),
    "The pictures are {0} x {1} and {2} x {3}; compare two of the same size.": (
        "画像は{0} x {1}と{2} x {3}です。同じ大きさのものを比べてください。"
    ),
    # notes of a run
    "Attention injection and AdaIN did nothing, because there is no reference; add one.": (
        "参照画像がないため、アテンション注入とAdaINは何も変えませんでした。参照画像を入れてください。"
    ),
    "Attention injection and AdaIN did nothing, because their steps end before they begin; start them earlier.": (
        "開始が終了より後のため、アテンション注入とAdaINは何も変えませんでした。開始を早くしてください。"
    ),
    'The text "{0}" does not tell regions apart; the edit "{1}" changed nothing.': (
        "「{0}」では範囲を区別できないため、編集「{1}」は何も変えませんでした。"
    ),
    'This model edits the whole picture; the region of the edit "{0}" is not used.': (
        "このモデルは絵全体を編集します。編集「{0}」の範囲は使われません。"
    ),
    'The text "{0}" is too long; this part was cut: "{1}".': "「{0}」は長すぎるため、「{1}」を切り捨てました。",
    "This model was not trained on the word {0}; the edit may have no effect.": (
        "このモデルは{0}という語を学習していません。編集の効果が出ないことがあります。"
    ),
    "This model was not trained on the words {0}; the edit may have no effect.": (
        "このモデルは{0}という語を学習していません。編集の効果が出ないことがあります。"
    ),
    # checkpoints (colorizer.checkpoint, colorizer.published, colorizer.precision)
    "{0} holds no colorization model; choose a checkpoint of this project or a v1 file": (
        "{0}は彩色モデルではありません。このプロジェクトのチェックポイントかv1のファイルを選んでください。"
    ),
    "unknown prediction type {0}; choose one of {1}": "予測の種類{0}はありません。{1}から選んでください。",
    "{0} has format version {1}, not {2}; update this program": (
        "{0}の形式は版{1}で、{2}ではありません。このプログラムを更新してください。"
    ),
    "{0} is a pickle, which can run any code when it is opened; get the .safetensors version instead": (
        "{0}はpickle形式で、開くと任意のコードが動きえます。.safetensors版を使ってください。"
    ),
    "there is no file {0}; give the path of a .safetensors checkpoint": "{0}というファイルがありません。",
    "{0} does not fit its description; get it again. {1}": "{0}の中身が説明と合いません。入手し直してください。{1}",
    "{0} has no readable description in its metadata; get the file again": (
        "{0}のメタデータに読める説明がありません。入手し直してください。"
    ),
    "{0} is no complete .safetensors file ({1}); get it again": (
        "{0}は.safetensorsファイルとして不完全です（{1}）。入手し直してください。"
    ),
    "{0} cannot be written ({1}); make room on the disk, or give another place": (
        "{0}に書き込めません（{1}）。ディスクに空きを作るか、別の場所にしてください。"
    ),
    "{0} says that it was trained for {1}; leave out the prediction type": (
        "{0}には予測の種類が{1}だと書かれています。指定を外してください。"
    ),
    "The device {0} cannot be used here ({1}); choose auto, cuda or cpu.": (
        "装置{0}はここでは使えません（{1}）。auto、cuda、cpuから選んでください。"
    ),
    "The dtype {0} is unknown; choose one of auto, {1}.": "dtype {0}はありません。auto、{1}から選んでください。",
}
